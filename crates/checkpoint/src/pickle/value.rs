//! What the machine computes with: small copyable handles, and the heap they point into.

use super::Refusal;
use crate::Dtype;

/// Position of a node in one of the heap's tables.
pub(crate) type Id = usize;

/// One Python value. Everything of variable size is borrowed from the pickle or lies in the [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'p> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than eight bytes, two's complement, little-endian.
    Long(&'p [u8]),
    Float,
    Str(&'p str),
    Bytes,
    Global(Global),
    /// A tuple or list: the difference matters to nobody here.
    Sequence(Id),
    Dict(Id),
    Storage(Id),
    Tensor(Id),
    /// Something that weights may carry along and that is never looked at, such as a device.
    Opaque,
}

/// The globals that plain weights need; a pickle that names any other is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    /// `collections.OrderedDict`
    OrderedDict,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`: storage, offset, size, stride, …
    RebuildTensor,
    /// `torch._utils._rebuild_tensor_v3`: the same with the element type in seventh place.
    RebuildTyped,
    /// `torch._utils._rebuild_parameter` and `_rebuild_parameter_with_state`: tensor, …
    RebuildParameter,
    /// `torch._tensor._rebuild_from_type_v2`: function, class, arguments, state.
    RebuildFromType,
    /// `torch.Tensor` and `torch.nn.parameter.Parameter`, as classes.
    TensorClass,
    /// `torch.FloatStorage` and its kin; `None` for `torch.storage.UntypedStorage`, which counts bytes.
    StorageClass(Option<Dtype>),
    /// `torch.float32` and its kin.
    ElementType(Dtype),
    /// `torch.Size`
    Size,
    /// `torch.device`, `_codecs.encode`: called, and the result never looked at.
    Ignored,
}

impl Global {
    /// The global of this module and name, if weights may use it.
    pub(crate) fn find(module: &str, name: &str) -> Result<Self, Refusal> {
        let known = match (module, name) {
            ("collections", "OrderedDict") => Some(Global::OrderedDict),
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Some(Global::RebuildTensor),
            ("torch._utils", "_rebuild_tensor_v3") => Some(Global::RebuildTyped),
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                Some(Global::RebuildParameter)
            }
            ("torch._tensor", "_rebuild_from_type_v2") => Some(Global::RebuildFromType),
            ("torch", "Tensor") | ("torch.nn.parameter", "Parameter") => Some(Global::TensorClass),
            ("torch", "Size") => Some(Global::Size),
            ("torch", "device") | ("_codecs", "encode") => Some(Global::Ignored),
            ("torch.storage" | "torch", "UntypedStorage") => Some(Global::StorageClass(None)),
            ("torch", name) => match name.strip_suffix("Storage") {
                Some(kind) => storage_type(kind).map(|dtype| Global::StorageClass(Some(dtype))),
                None => element_type(name).map(Global::ElementType),
            },
            _ => None,
        };
        known.ok_or_else(|| {
            let mut full = format!("{module}.{name}").escape_debug().to_string();
            if full.chars().count() > 120 {
                full = full.chars().take(120).chain(['…']).collect();
            }
            if module == "torch" && name.ends_with("Storage") {
                Refusal::Unsupported(format!("it stores elements as {full}, which Papo does not read"))
            } else {
                Refusal::Forbidden(full)
            }
        })
    }
}

/// The element type of `torch.{kind}Storage`.
fn storage_type(kind: &str) -> Option<Dtype> {
    Some(match kind {
        "Double" => Dtype::F64,
        "Float" => Dtype::F32,
        "Half" => Dtype::F16,
        "BFloat16" => Dtype::Bf16,
        "Long" => Dtype::I64,
        "Int" => Dtype::I32,
        "Short" => Dtype::I16,
        "Char" => Dtype::I8,
        "Byte" => Dtype::U8,
        "Bool" => Dtype::Bool,
        _ => return None,
    })
}

/// The element type that PyTorch calls `torch.{name}`.
fn element_type(name: &str) -> Option<Dtype> {
    Some(match name {
        "float64" => Dtype::F64,
        "float32" => Dtype::F32,
        "float16" => Dtype::F16,
        "bfloat16" => Dtype::Bf16,
        "int64" => Dtype::I64,
        "int32" => Dtype::I32,
        "int16" => Dtype::I16,
        "int8" => Dtype::I8,
        "uint64" => Dtype::U64,
        "uint32" => Dtype::U32,
        "uint16" => Dtype::U16,
        "uint8" => Dtype::U8,
        "bool" => Dtype::Bool,
        _ => return None,
    })
}

/// A storage that a pickle refers to: bytes elsewhere in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Storage<'p> {
    /// Its name in the file.
    pub(crate) key: &'p str,
    /// Type of its elements, `None` when it counts bytes.
    pub(crate) dtype: Option<Dtype>,
    /// Number of elements (bytes when untyped).
    pub(crate) elements: usize,
    /// First element and number of elements of a part of the storage, as files before PyTorch 0.4 have it.
    pub(crate) part: Option<(usize, usize)>,
}

/// A tensor as `torch.save` describes it: a window on a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorRecord {
    /// Its storage in the heap.
    pub(crate) storage: Id,
    /// Type of its elements, `None` when an untyped storage was given without one.
    pub(crate) dtype: Option<Dtype>,
    /// First element, counted in elements of the storage.
    pub(crate) offset: usize,
    pub(crate) shape: Box<[usize]>,
    pub(crate) strides: Box<[usize]>,
}

/// Every value of variable size that a pickle has made.
#[derive(Debug, Default)]
pub(crate) struct Heap<'p> {
    pub(crate) sequences: Vec<Vec<Value<'p>>>,
    pub(crate) dicts: Vec<Vec<(Value<'p>, Value<'p>)>>,
    pub(crate) storages: Vec<Storage<'p>>,
    pub(crate) tensors: Vec<TensorRecord>,
}

impl<'p> Heap<'p> {
    /// Adds a tuple or list.
    pub(crate) fn sequence(&mut self, items: Vec<Value<'p>>) -> Value<'p> {
        self.sequences.push(items);
        Value::Sequence(self.sequences.len() - 1)
    }

    /// Adds a dictionary; of two equal keys the later counts.
    pub(crate) fn dict(&mut self, entries: Vec<(Value<'p>, Value<'p>)>) -> Value<'p> {
        self.dicts.push(entries);
        Value::Dict(self.dicts.len() - 1)
    }

    /// The items of a tuple or list.
    pub(crate) fn items(&self, value: Value<'p>) -> Option<&[Value<'p>]> {
        match value {
            Value::Sequence(id) => Some(&self.sequences[id]),
            _ => None,
        }
    }

    /// What a dictionary holds under a string.
    pub(crate) fn lookup(&self, dict: Value<'p>, key: &str) -> Option<Value<'p>> {
        let Value::Dict(id) = dict else { return None };
        self.dicts[id].iter().rev().find(|(found, _)| *found == Value::Str(key)).map(|(_, value)| *value)
    }
}
