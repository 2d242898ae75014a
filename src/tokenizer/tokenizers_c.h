/* The C ABI of rust/tokenizers_c: Hugging Face's `tokenizers`.
 *
 * A function that can fail returns 0 on success, else another number, and then fills *error and
 * nothing else. A panic inside the crate is such an error too; nothing is printed, nothing aborts.
 * What is filled belongs to the caller: give it back with the free function named beside it.
 * Threads: a tokenizer may be used by many at once; free it when no call is left. */
#ifndef QK_TOKENIZER_TOKENIZERS_C_H_
#define QK_TOKENIZER_TOKENIZERS_C_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qk_tokenizers qk_tokenizers;

typedef struct { /* UTF-8, not terminated, may hold NUL bytes; qk_tokenizers_free_text */
  char* data;
  size_t size;
} qk_tokenizers_text;

typedef struct { /* qk_tokenizers_free_ids */
  uint32_t* data;
  size_t size;
  int32_t truncated; /* 0 or 1: the text has more ids than max_length allows */
} qk_tokenizers_ids;

/* json [size] is the text of a tokenizer.json. Truncation and padding that are stored in it are not
 * applied by encode, nor is a BPE model's dropout; *truncates_left (0 or 1) is the stored
 * direction of truncation. With scored != 0 the "model" in it is not one of Hugging Face's but
 * {"pieces": [text of each id], "scores": [one number each]}: of all neighbours that together are a
 * piece the ones with the highest score are merged first, the leftmost among equals, and what is
 * not a piece then becomes the pieces <0x00> to <0xFF> of its bytes. */
int32_t qk_tokenizers_load(const char* json, size_t size, int32_t scored, qk_tokenizers** tokenizer,
                           int32_t* truncates_left, qk_tokenizers_text* error);
void qk_tokenizers_free(qk_tokenizers* tokenizer);

/* Ids of text [size], with the special tokens of the post-processor; at most
 * max_length, these included: the tail of the text is cut, with truncate_left its head.
 * text that is not UTF-8 is an error, and a max_length smaller than the number of special tokens.
 */
int32_t qk_tokenizers_encode(const qk_tokenizers* tokenizer, const char* text, size_t size,
                             uint64_t max_length, int32_t truncate_left, qk_tokenizers_ids* ids,
                             qk_tokenizers_text* error);

/* The raw vocabulary piece of an id. An id that is not in the vocabulary is an error. */
int32_t qk_tokenizers_token(const qk_tokenizers* tokenizer, uint32_t id, qk_tokenizers_text* token,
                            qk_tokenizers_text* error);

/* 1 + the largest id of the model and its added tokens; 0 for an empty vocabulary. */
uint64_t qk_tokenizers_vocab_size(const qk_tokenizers* tokenizer);

void qk_tokenizers_free_text(qk_tokenizers_text text);
void qk_tokenizers_free_ids(qk_tokenizers_ids ids);

#ifdef __cplusplus
}
#endif

#endif /* QK_TOKENIZER_TOKENIZERS_C_H_ */
