//! Hugging Face's `tokenizers`, behind the C ABI of src/tokenizer/tokenizers_c.h.

// The contract of each exported function is in that header.
#![allow(clippy::missing_safety_doc)]

mod scored;

use c_abi::{slice, Bytes};
use serde::de::DeserializeOwned;
use tokenizers::tokenizer::{
    DecoderWrapper, Encoding, Model, ModelWrapper, NormalizerWrapper, PostProcessor,
    PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl, TruncationDirection,
};

use scored::Scored;

type TokenizerOf<M> =
    TokenizerImpl<M, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

/// The model without randomness: BPE's dropout is off, since equal texts must give equal ids.
trait Repeatable: Sized {
    fn without_dropout(&self) -> Option<Self> {
        None // it has none
    }
}

impl Repeatable for Scored {}

impl Repeatable for ModelWrapper {
    fn without_dropout(&self) -> Option<ModelWrapper> {
        let ModelWrapper::BPE(bpe) = self else {
            return None;
        };
        bpe.dropout?;
        let mut bpe = bpe.clone();
        bpe.dropout = None;
        Some(ModelWrapper::BPE(bpe))
    }
}

/// The steps that differ between models: all except truncation and the post-processor.
trait Encoder: Send + Sync {
    fn encode(&self, text: &str) -> Result<Encoding, String>;
    fn token(&self, id: u32) -> Option<String>;
}

impl<M: Model + Send + Sync> Encoder for TokenizerOf<M> {
    fn encode(&self, text: &str) -> Result<Encoding, String> {
        self.encode_fast(text, false).map_err(|e| e.to_string())
    }

    fn token(&self, id: u32) -> Option<String> {
        self.id_to_token(id)
    }
}

/// The post-processor is kept separate from the tokenizer. So truncation can happen between the two
/// without changing the tokenizer, which other threads may be using.
pub struct Loaded {
    encoder: Box<dyn Encoder>,
    post_processor: Option<PostProcessorWrapper>,
    vocab_size: u64,
    truncates_left: bool,
}

#[repr(C)]
pub struct Ids {
    data: *mut u32,
    size: usize,
    truncated: i32,
}

unsafe fn guarded(error: *mut Bytes, call: impl FnOnce() -> Result<(), String>) -> i32 {
    c_abi::guarded("tokenizers", error, call)
}

fn load<M>(json: &[u8]) -> Result<Loaded, String>
where
    M: Model + Repeatable + DeserializeOwned + Send + Sync + 'static,
{
    let mut tokenizer = TokenizerOf::<M>::from_bytes(json).map_err(|e| e.to_string())?;
    if let Some(model) = tokenizer.get_model().without_dropout() {
        tokenizer.with_model(model);
    }
    let direction = tokenizer
        .get_truncation()
        .map(|truncation| truncation.direction);
    tokenizer.with_truncation(None).map_err(|e| e.to_string())?;
    tokenizer.with_padding(None);
    let post_processor = tokenizer.get_post_processor().cloned();
    tokenizer.with_post_processor(None::<PostProcessorWrapper>);
    let largest = tokenizer.get_vocab(true).into_values().max();
    Ok(Loaded {
        encoder: Box::new(tokenizer),
        post_processor,
        vocab_size: largest.map_or(0, |id| u64::from(id) + 1),
        truncates_left: direction == Some(TruncationDirection::Left),
    })
}

/// The ids, and whether the text has more.
fn encode(
    loaded: &Loaded,
    text: &[u8],
    max_length: u64,
    left: bool,
) -> Result<(Vec<u32>, bool), String> {
    let text = std::str::from_utf8(text).map_err(|e| e.to_string())?;
    let special = loaded
        .post_processor
        .as_ref()
        .map_or(0, |p| p.added_tokens(false));
    let room = usize::try_from(max_length)
        .unwrap_or(usize::MAX)
        .checked_sub(special)
        .ok_or_else(|| {
            format!("max_length is {max_length}, less than the {special} special tokens added")
        })?;
    let mut encoding = loaded.encoder.encode(text)?;
    let direction = if left {
        TruncationDirection::Left
    } else {
        TruncationDirection::Right
    };
    let truncated = encoding.len() > room;
    encoding.truncate(room, 0, direction);
    if let Some(processor) = &loaded.post_processor {
        encoding = processor
            .process(encoding, None, true)
            .map_err(|e| e.to_string())?;
    }
    Ok((encoding.get_ids().to_vec(), truncated))
}

#[no_mangle]
pub unsafe extern "C" fn qk_tokenizers_load(
    json: *const u8,
    size: usize,
    scored: i32,
    tokenizer: *mut *mut Loaded,
    truncates_left: *mut i32,
    error: *mut Bytes,
) -> i32 {
    guarded(error, || {
        let json = slice(json, size);
        let loaded = if scored != 0 {
            load::<Scored>(json)?
        } else {
            load::<ModelWrapper>(json)?
        };
        truncates_left.write(i32::from(loaded.truncates_left));
        tokenizer.write(Box::into_raw(Box::new(loaded)));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn qk_tokenizers_free(tokenizer: *mut Loaded) {
    if !tokenizer.is_null() {
        drop(Box::from_raw(tokenizer));
    }
}

#[no_mangle]
pub unsafe extern "C" fn qk_tokenizers_encode(
    tokenizer: *const Loaded,
    text: *const u8,
    size: usize,
    max_length: u64,
    truncate_left: i32,
    ids: *mut Ids,
    error: *mut Bytes,
) -> i32 {
    guarded(error, || {
        let (found, truncated) = encode(
            &*tokenizer,
            slice(text, size),
            max_length,
            truncate_left != 0,
        )?;
        let found = Box::leak(found.into_boxed_slice());
        ids.write(Ids {
            data: found.as_mut_ptr(),
            size: found.len(),
            truncated: i32::from(truncated),
        });
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn qk_tokenizers_token(
    tokenizer: *const Loaded,
    id: u32,
    token: *mut Bytes,
    error: *mut Bytes,
) -> i32 {
    guarded(error, || {
        let piece = (*tokenizer).encoder.token(id);
        token.write(Bytes::new(
            piece.ok_or_else(|| format!("no token has the id {id}"))?,
        ));
        Ok(())
    })
}

#[no_mangle]
pub unsafe extern "C" fn qk_tokenizers_vocab_size(tokenizer: *const Loaded) -> u64 {
    (*tokenizer).vocab_size
}

#[no_mangle]
pub unsafe extern "C" fn qk_tokenizers_free_text(text: Bytes) {
    text.free();
}

#[no_mangle]
pub unsafe extern "C" fn qk_tokenizers_free_ids(ids: Ids) {
    if !ids.data.is_null() {
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(
            ids.data, ids.size,
        )));
    }
}
