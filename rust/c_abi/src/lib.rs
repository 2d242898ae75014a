//! Bytes that cross the C ABI, and calls whose errors and panics become text.

// The contract of each exported function is in the C header of its crate.
#![allow(clippy::missing_safety_doc)]

use std::any::Any;
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::sync::Once;

/// Owned by the caller until it is passed to `free`.
#[repr(C)]
pub struct Bytes {
    data: *mut u8,
    size: usize,
}

impl Bytes {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Bytes {
        let bytes = Box::leak(bytes.into().into_boxed_slice());
        Bytes {
            data: bytes.as_mut_ptr(),
            size: bytes.len(),
        }
    }

    pub unsafe fn free(self) {
        if !self.data.is_null() {
            drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(
                self.data, self.size,
            )));
        }
    }
}

fn panic_text(library: &str, payload: Box<dyn Any + Send>) -> String {
    let text = match (
        payload.downcast_ref::<&str>(),
        payload.downcast_ref::<String>(),
    ) {
        (Some(text), _) => text,
        (_, Some(text)) => text.as_str(),
        _ => "no text",
    };
    format!("{library} panicked: {text}")
}

/// Runs `call`; an error or a panic becomes text in `error` and a result of 1.
pub unsafe fn guarded(
    library: &str,
    error: *mut Bytes,
    call: impl FnOnce() -> Result<(), String>,
) -> i32 {
    static SILENCE: Once = Once::new();
    SILENCE.call_once(|| set_hook(Box::new(|_| {})));
    match catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(panic_text(library, panic)))
    {
        Ok(()) => 0,
        Err(text) => {
            error.write(Bytes::new(text));
            1
        }
    }
}

/// `from_raw_parts` requires a non-null pointer even for an empty slice.
pub unsafe fn slice<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(data, size)
    }
}
