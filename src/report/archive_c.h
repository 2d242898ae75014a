/* The C ABI of rust/archive_c: xz streams, and zip and tar archives of one file.
 *
 * A function that can fail returns 0 on success, else another number, and then fills *error and
 * nothing else. A panic inside the crate is such an error too; nothing is printed, nothing aborts.
 * What is filled belongs to the caller: release it with qk_archive_free. Threads: safe. */
#ifndef QK_REPORT_ARCHIVE_C_H_
#define QK_REPORT_ARCHIVE_C_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  unsigned char* data;
  size_t size;
} qk_archive_bytes;

/* kind: 0 xz, 1 zip, 2 tar. name [name_size]: the file's in the archive, not used for xz. Equal
 * arguments give equal bytes: no dates. */
int32_t qk_archive_pack(int32_t kind, const char* name, size_t name_size, const char* data,
                        size_t size, qk_archive_bytes* packed, qk_archive_bytes* error);
/* Of an archive, its only file: folders and what macOS puts beside a file do not count. An error:
 * several files or none, damaged data, a file of more than `limit` bytes. */
int32_t qk_archive_unpack(int32_t kind, const char* data, size_t size, uint64_t limit,
                          qk_archive_bytes* unpacked, qk_archive_bytes* error);
void qk_archive_free(qk_archive_bytes bytes);

#ifdef __cplusplus
}
#endif

#endif
