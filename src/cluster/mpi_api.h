/* What Qkscope asks of an MPI library, as a C table: made for the known libraries by mpi_families.cc,
   for any other by mpi_shim.c, which `qkscope mpi-shim` prints together with this file.

   Messages go between the ranks of MPI_COMM_WORLD. Every call comes from the thread that called init,
   and none of them waits for another rank except init, node_ranks and finalize. Calls that return
   int32_t return 0 or the error code of MPI, which error_text explains; an error does not end the
   process. Counts are bytes. */
#ifndef QK_MPI_API_H
#define QK_MPI_API_H

#include <stdint.h>

#define QK_MPI_API_VERSION 1
#define QK_MPI_API_FUNCTION "qk_mpi_api"
#define QK_MPI_ANY (-1) /* any rank */

typedef struct QkMpiApi {
  int32_t api_version; /* QK_MPI_API_VERSION */
  /* Those two may be called before init. Texts are cut to `size` bytes with their final zero. */
  void (*library_version)(char* text, int32_t size);
  void (*error_text)(int32_t code, char* text, int32_t size);
  /* MPI_Init_thread with MPI_THREAD_FUNNELED. */
  int32_t (*init)(void);
  int32_t (*rank)(void);
  int32_t (*size)(void);
  /* This rank among those that share its memory. All ranks have to call it. */
  int32_t (*node_ranks)(int32_t* rank, int32_t* size);
  /* Begin; the bytes stay where they are until test says that it is done. */
  int32_t (*send)(const void* bytes, int32_t count, int32_t to, int32_t tag, uint64_t* request);
  int32_t (*receive)(void* bytes, int32_t count, int32_t from, int32_t tag, uint64_t* request);
  /* Sets *is_done to 0 or 1. After an error or 1 the request is gone. */
  int32_t (*test)(uint64_t* request, int32_t* is_done);
  /* The next message that has come from `from` (QK_MPI_ANY: from anyone) and that no receive has
     taken: *found 0 or 1, and who sent it, its tag and its size. */
  int32_t (*probe)(int32_t from, int32_t* found, int32_t* source, int32_t* tag, int32_t* count);
  int32_t (*finalize)(void);
} QkMpiApi;

/* The type of the function that a shim exports by the name QK_MPI_API_FUNCTION. */
typedef const QkMpiApi* (*QkMpiApiFunction)(void);

#endif
