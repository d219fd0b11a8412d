//! What the allowed globals do when a pickle calls them: they describe tensors, nothing else.

use super::Refusal;
use super::value::{Global, Heap, Id, Storage, TensorRecord, Value};
use crate::layout::MAX_RANK;

/// Calls `function` with the tuple `arguments`.
pub(crate) fn call<'p>(
    heap: &mut Heap<'p>,
    function: Global,
    arguments: Value<'p>,
) -> Result<Value<'p>, Refusal> {
    let given = heap.items(arguments).unwrap_or_default();
    match function {
        Global::OrderedDict => ordered_dict(heap, given.first().copied()),
        Global::RebuildTensor | Global::RebuildTyped => tensor(heap, function, arguments),
        Global::RebuildParameter => match given.first() {
            Some(&tensor @ Value::Tensor(_)) => Ok(tensor),
            _ => Err(Refusal::Damaged(
                "its pickle makes a parameter of something else than a tensor".to_string(),
            )),
        },
        Global::RebuildFromType => match *given {
            // The inner function may not be this one again: that would be recursion to a depth of the file's choosing.
            [Value::Global(inner), Value::Global(Global::TensorClass), inner_arguments, ..]
                if inner != Global::RebuildFromType =>
            {
                call(heap, inner, inner_arguments)
            }
            _ => Err(Refusal::Unsupported("its pickle rebuilds an object of a class of its own".to_string())),
        },
        Global::Size => match given.first() {
            Some(&size @ Value::Sequence(_)) => Ok(size),
            _ => Ok(heap.sequence(Vec::new())),
        },
        Global::Ignored => Ok(Value::Opaque),
        Global::TensorClass | Global::StorageClass(_) | Global::ElementType(_) => {
            Err(Refusal::Unsupported(format!("its pickle calls {function:?}, which weights never do")))
        }
    }
}

/// `OrderedDict()` or `OrderedDict([(key, value), …])`.
fn ordered_dict<'p>(heap: &mut Heap<'p>, pairs: Option<Value<'p>>) -> Result<Value<'p>, Refusal> {
    let Some(pairs) = pairs else { return Ok(heap.dict(Vec::new())) };
    let entries = heap.items(pairs).and_then(|pairs| {
        pairs
            .iter()
            .map(|&pair| match heap.items(pair) {
                Some(&[key, value]) => Some((key, value)),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
    });
    match entries {
        Some(entries) => Ok(heap.dict(entries)),
        None => {
            Err(Refusal::Damaged("its pickle makes a dictionary of something else than pairs".to_string()))
        }
    }
}

/// `(storage, offset, size, stride, requires_grad, hooks, [dtype,] …)`
fn tensor<'p>(heap: &mut Heap<'p>, function: Global, arguments: Value<'p>) -> Result<Value<'p>, Refusal> {
    let malformed =
        || Refusal::Damaged("its pickle describes a tensor in a way that PyTorch never does".to_string());
    let given = heap.items(arguments).unwrap_or_default();
    let [Value::Storage(storage), Value::Int(offset), size, stride, ..] = *given else {
        return Err(malformed());
    };
    let dtype = match (function, given.get(6)) {
        (Global::RebuildTyped, Some(&Value::Global(Global::ElementType(dtype)))) => Some(dtype),
        (Global::RebuildTyped, _) => return Err(malformed()),
        _ => heap.storages[storage].dtype,
    };
    let record = TensorRecord {
        storage,
        dtype,
        offset: usize::try_from(offset).map_err(|_| malformed())?,
        shape: sizes(heap, size).ok_or_else(malformed)?,
        strides: sizes(heap, stride).ok_or_else(malformed)?,
    };
    heap.tensors.push(record);
    Ok(Value::Tensor(heap.tensors.len() - 1))
}

/// A short tuple of natural numbers.
fn sizes<'p>(heap: &Heap<'p>, value: Value<'p>) -> Option<Box<[usize]>> {
    let items = heap.items(value).filter(|items| items.len() <= MAX_RANK)?;
    items.iter().map(|&item| natural(item)).collect()
}

fn natural(value: Value<'_>) -> Option<usize> {
    match value {
        Value::Int(value) => usize::try_from(value).ok(),
        _ => None,
    }
}

/// `('storage', class, key, location, elements[, None or (view key, offset, elements)])`, a reference to bytes in the file.
pub(crate) fn storage<'p>(heap: &mut Heap<'p>, id: Value<'p>) -> Result<Value<'p>, Refusal> {
    let described = heap.items(id).and_then(|items| {
        let [
            Value::Str("storage"),
            Value::Global(Global::StorageClass(dtype)),
            Value::Str(key),
            _,
            elements,
            ref view @ ..,
        ] = *items
        else {
            return None;
        };
        let part = match view {
            [] | [Value::None] => None,
            [view] => match *heap.items(*view)? {
                [_, offset, elements] => Some((natural(offset)?, natural(elements)?)),
                _ => return None,
            },
            _ => return None,
        };
        Some(Storage { key, dtype, elements: natural(elements)?, part })
    });
    match described {
        Some(storage) => {
            heap.storages.push(storage);
            let id: Id = heap.storages.len() - 1;
            Ok(Value::Storage(id))
        }
        None => {
            Err(Refusal::Damaged("its pickle refers to data in a way that PyTorch never does".to_string()))
        }
    }
}
