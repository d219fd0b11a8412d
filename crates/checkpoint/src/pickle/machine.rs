//! The stack machine: one opcode, one line of what it does.

use std::collections::HashMap;

use super::value::{Global, Heap, Value};
use super::{Refusal, calls};

/// Most opcodes that a pickle may have: weights take about 35 for each tensor.
pub(crate) const MAX_STEPS: usize = 4 << 20;

/// What a pickle has built.
pub(crate) struct Built<'p> {
    /// Everything it made.
    pub(crate) heap: Heap<'p>,
    /// Its result.
    pub(crate) value: Value<'p>,
    /// Bytes up to and with its STOP; legacy files put several pickles in a row.
    pub(crate) length: usize,
}

/// Runs the pickle at the start of `bytes`.
pub(crate) fn run(bytes: &[u8]) -> Result<Built<'_>, Refusal> {
    let mut machine = Machine {
        bytes,
        at: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        heap: Heap::default(),
        steps: 0,
    };
    while machine.step()? {}
    let value = machine.pop()?;
    Ok(Built { value, heap: machine.heap, length: machine.at })
}

struct Machine<'p> {
    bytes: &'p [u8],
    at: usize,
    stack: Vec<Value<'p>>,
    /// Heights of the stack at each MARK not yet used up.
    marks: Vec<usize>,
    /// What PUT has stored; a map, as an index may be any number.
    memo: HashMap<usize, Value<'p>>,
    heap: Heap<'p>,
    steps: usize,
}

impl<'p> Machine<'p> {
    /// Executes one opcode; false when it was STOP.
    fn step(&mut self) -> Result<bool, Refusal> {
        self.spend(1)?;
        let begin = self.at;
        match self.byte()? {
            b'.' => return Ok(false),                  // STOP
            0x80 => drop(self.take(1)?),               // PROTO
            0x95 => drop(self.take(8)?),               // FRAME
            b'(' => self.marks.push(self.stack.len()), // MARK
            b'0' => drop(self.pop()?),                 // POP
            b'1' => drop(self.pop_to_mark()?),         // POP_MARK
            b'2' => self.duplicate()?,                 // DUP

            b'N' => self.push(Value::None),        // NONE
            0x88 => self.push(Value::Bool(true)),  // NEWTRUE
            0x89 => self.push(Value::Bool(false)), // NEWFALSE
            b'K' => self.integer(1)?,              // BININT1
            b'M' => self.integer(2)?,              // BININT2
            b'J' => self.signed()?,                // BININT
            0x8a => self.long(1)?,                 // LONG1
            0x8b => self.long(4)?,                 // LONG4
            b'G' => self.float()?,                 // BINFLOAT

            0x8c => self.text(1)?, // SHORT_BINUNICODE
            b'X' => self.text(4)?, // BINUNICODE
            0x8d => self.text(8)?, // BINUNICODE8
            b'U' => self.text(1)?, // SHORT_BINSTRING
            b'T' => self.text(4)?, // BINSTRING
            b'C' => self.blob(1)?, // SHORT_BINBYTES
            b'B' => self.blob(4)?, // BINBYTES
            0x8e => self.blob(8)?, // BINBYTES8

            b')' => self.tuple(0)?,           // EMPTY_TUPLE
            0x85 => self.tuple(1)?,           // TUPLE1
            0x86 => self.tuple(2)?,           // TUPLE2
            0x87 => self.tuple(3)?,           // TUPLE3
            b't' | b'l' => self.sequence()?,  // TUPLE, LIST
            b']' => self.tuple(0)?,           // EMPTY_LIST
            b'a' => self.append()?,           // APPEND
            b'e' => self.appends()?,          // APPENDS
            b'}' => self.empty_dict(),        // EMPTY_DICT
            b'd' => self.dict()?,             // DICT
            b's' => self.set_item()?,         // SETITEM
            b'u' => self.set_items()?,        // SETITEMS
            0x8f => self.push(Value::Opaque), // EMPTY_SET
            0x90 => self.add_items()?,        // ADDITEMS

            b'q' => self.put(1)?,    // BINPUT
            b'r' => self.put(4)?,    // LONG_BINPUT
            0x94 => self.memoize()?, // MEMOIZE
            b'h' => self.get(1)?,    // BINGET
            b'j' => self.get(4)?,    // LONG_BINGET

            b'c' => self.global()?,       // GLOBAL
            0x93 => self.stack_global()?, // STACK_GLOBAL
            b'Q' => self.persistent()?,   // BINPERSID
            b'R' | 0x81 => self.call()?,  // REDUCE, NEWOBJ
            b'b' => self.build()?,        // BUILD
            opcode => {
                return Err(Refusal::Unsupported(format!(
                    "its pickle uses the opcode 0x{opcode:02x} at byte {begin}, which weights never need"
                )));
            }
        }
        Ok(true)
    }

    /// Counts work against the limit, so that a short pickle cannot ask for much of it.
    fn spend(&mut self, steps: usize) -> Result<(), Refusal> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MAX_STEPS {
            return Err(Refusal::Unsupported(format!(
                "its pickle takes more than {MAX_STEPS} steps, far more than weights need"
            )));
        }
        Ok(())
    }

    fn damaged<T>(&self, what: impl AsRef<str>) -> Result<T, Refusal> {
        Err(Refusal::Damaged(format!("its pickle {} at byte {}", what.as_ref(), self.at)))
    }

    // Reading.

    fn take(&mut self, length: usize) -> Result<&'p [u8], Refusal> {
        match self.bytes[self.at..].get(..length) {
            Some(taken) => {
                self.at += length;
                Ok(taken)
            }
            None => {
                let left = self.bytes.len() - self.at;
                self.damaged(format!("is cut off: it wants {length} bytes and {left} are left"))
            }
        }
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of 1 to 8 bytes.
    fn number(&mut self, width: usize) -> Result<usize, Refusal> {
        let mut wide = [0; 8];
        wide[..width].copy_from_slice(self.take(width)?);
        // A number that no address can hold is longer than whatever is left, and refused as such.
        Ok(usize::try_from(u64::from_le_bytes(wide)).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Result<&'p str, Refusal> {
        let rest = &self.bytes[self.at..];
        let Some(length) = rest.iter().take(1024).position(|&byte| byte == b'\n') else {
            return self.damaged("has a name without an end");
        };
        let Ok(line) = str::from_utf8(&rest[..length]) else {
            return self.damaged("has a name that is not UTF-8");
        };
        self.at += length + 1;
        Ok(line)
    }

    // The stack.

    fn push(&mut self, value: Value<'p>) {
        self.stack.push(value);
    }

    /// Takes the top of the stack; what lies below the last MARK is out of reach.
    fn pop(&mut self) -> Result<Value<'p>, Refusal> {
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return self.damaged("takes from an empty stack");
        }
        match self.stack.pop() {
            Some(value) => Ok(value),
            None => self.damaged("takes from an empty stack"),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value<'p>>, Refusal> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => self.damaged("closes what it did not open"),
        }
    }

    /// The top of the stack, which stays there.
    fn top(&mut self) -> Result<Value<'p>, Refusal> {
        let value = self.pop()?;
        self.push(value);
        Ok(value)
    }

    fn duplicate(&mut self) -> Result<(), Refusal> {
        let value = self.top()?;
        self.push(value);
        Ok(())
    }

    // Numbers and text.

    fn integer(&mut self, width: usize) -> Result<(), Refusal> {
        let value = self.number(width)?;
        self.push(Value::Int(value as i64));
        Ok(())
    }

    fn signed(&mut self) -> Result<(), Refusal> {
        let value = self.number(4)? as u32 as i32;
        self.push(Value::Int(value.into()));
        Ok(())
    }

    fn long(&mut self, width: usize) -> Result<(), Refusal> {
        let length = self.number(width)?;
        let digits = self.take(length)?;
        if digits.len() > 8 {
            self.push(Value::Long(digits));
            return Ok(());
        }
        let sign = if digits.last().is_some_and(|&top| top >= 0x80) { 0xff } else { 0 };
        let mut wide = [sign; 8];
        wide[..digits.len()].copy_from_slice(digits);
        self.push(Value::Int(i64::from_le_bytes(wide)));
        Ok(())
    }

    fn float(&mut self) -> Result<(), Refusal> {
        self.take(8)?;
        self.push(Value::Float);
        Ok(())
    }

    fn text(&mut self, width: usize) -> Result<(), Refusal> {
        let length = self.number(width)?;
        let Ok(text) = str::from_utf8(self.take(length)?) else {
            return self.damaged("has text that is not UTF-8");
        };
        self.push(Value::Str(text));
        Ok(())
    }

    fn blob(&mut self, width: usize) -> Result<(), Refusal> {
        let length = self.number(width)?;
        self.take(length)?;
        self.push(Value::Bytes);
        Ok(())
    }

    // Containers. A list or dictionary is changed in place through its handle, as Python does, so that every other
    // handle on it sees the change.

    fn tuple(&mut self, length: usize) -> Result<(), Refusal> {
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(self.pop()?);
        }
        items.reverse();
        let value = self.heap.sequence(items);
        self.push(value);
        Ok(())
    }

    fn sequence(&mut self) -> Result<(), Refusal> {
        let items = self.pop_to_mark()?;
        let value = self.heap.sequence(items);
        self.push(value);
        Ok(())
    }

    fn append(&mut self) -> Result<(), Refusal> {
        let item = self.pop()?;
        self.extend_list(vec![item])
    }

    fn appends(&mut self) -> Result<(), Refusal> {
        let items = self.pop_to_mark()?;
        self.extend_list(items)
    }

    fn extend_list(&mut self, items: Vec<Value<'p>>) -> Result<(), Refusal> {
        match self.top()? {
            Value::Sequence(id) => self.heap.sequences[id].extend(items),
            other => return self.damaged(format!("appends to {other:?}")),
        }
        Ok(())
    }

    fn empty_dict(&mut self) {
        let value = self.heap.dict(Vec::new());
        self.push(value);
    }

    fn dict(&mut self) -> Result<(), Refusal> {
        let items = self.pop_to_mark()?;
        self.empty_dict();
        self.extend_dict(items)
    }

    fn set_item(&mut self) -> Result<(), Refusal> {
        let value = self.pop()?;
        let key = self.pop()?;
        self.extend_dict(vec![key, value])
    }

    fn set_items(&mut self) -> Result<(), Refusal> {
        let items = self.pop_to_mark()?;
        self.extend_dict(items)
    }

    fn extend_dict(&mut self, items: Vec<Value<'p>>) -> Result<(), Refusal> {
        let (pairs, []) = items.as_chunks::<2>() else { return self.damaged("has a key without a value") };
        match self.top()? {
            Value::Dict(id) => self.heap.dicts[id].extend(pairs.iter().map(|&[key, value]| (key, value))),
            other => return self.damaged(format!("sets an item of {other:?}")),
        }
        Ok(())
    }

    fn add_items(&mut self) -> Result<(), Refusal> {
        self.pop_to_mark()?;
        match self.top()? {
            Value::Opaque => Ok(()),
            other => self.damaged(format!("adds to {other:?} as if it were a set")),
        }
    }

    // The memo.

    fn put(&mut self, width: usize) -> Result<(), Refusal> {
        let (index, value) = (self.number(width)?, self.top()?);
        self.memo.insert(index, value);
        Ok(())
    }

    fn memoize(&mut self) -> Result<(), Refusal> {
        let value = self.top()?;
        self.memo.insert(self.memo.len(), value);
        Ok(())
    }

    fn get(&mut self, width: usize) -> Result<(), Refusal> {
        let index = self.number(width)?;
        match self.memo.get(&index) {
            Some(&value) => {
                self.push(value);
                Ok(())
            }
            None => self.damaged(format!("asks for the memo {index}, which it never stored")),
        }
    }

    // The outside world, or rather the list of what may be named of it.

    fn global(&mut self) -> Result<(), Refusal> {
        let (module, name) = (self.line()?, self.line()?);
        self.push(Value::Global(Global::find(module, name)?));
        Ok(())
    }

    fn stack_global(&mut self) -> Result<(), Refusal> {
        let name = self.pop()?;
        let (Value::Str(module), Value::Str(name)) = (self.pop()?, name) else {
            return self.damaged("names a global without text");
        };
        self.push(Value::Global(Global::find(module, name)?));
        Ok(())
    }

    fn persistent(&mut self) -> Result<(), Refusal> {
        let id = self.pop()?;
        let value = calls::storage(&mut self.heap, id)?;
        self.push(value);
        Ok(())
    }

    fn call(&mut self) -> Result<(), Refusal> {
        let arguments = self.pop()?;
        let function = self.pop()?;
        let (Value::Global(function), Some(items)) = (function, self.heap.items(arguments)) else {
            return self.damaged(format!("calls {function:?}"));
        };
        // Only these copy their arguments, and only so far as they are looked at.
        let copied = items.first().and_then(|&first| self.heap.items(first)).map_or(0, <[_]>::len);
        self.spend(copied)?;
        let value = calls::call(&mut self.heap, function, arguments)?;
        self.push(value);
        Ok(())
    }

    /// Sets attributes of an object: state dictionaries carry versions that way, which do not matter to weights.
    fn build(&mut self) -> Result<(), Refusal> {
        self.pop()?;
        match self.top()? {
            Value::Dict(_) | Value::Tensor(_) | Value::Opaque => Ok(()),
            other => self.damaged(format!("sets attributes of {other:?}")),
        }
    }
}
