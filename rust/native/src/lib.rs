//! A single static library with all crates whose C functions the program calls.

pub use archive_c::*;
pub use figures_c::*;
pub use tokenizers_c::*;
