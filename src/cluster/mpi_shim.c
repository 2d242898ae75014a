/* Qkscope and an MPI library that it does not know:
     qkscope mpi-shim > qk_mpi_shim.c
     mpicc -shared -fPIC -O2 -o libqk_mpi_shim.so qk_mpi_shim.c
     export QKSCOPE_MPI_SHIM=$PWD/libqk_mpi_shim.so */
#include <mpi.h>
#include <stddef.h>
#include <string.h>

#include "cluster/mpi_api.h"

typedef char qk_a_request_has_room[sizeof(MPI_Request) <= sizeof(uint64_t) ? 1 : -1];

static void copy_text(const char* from, char* text, int32_t size) {
  strncpy(text, from, (size_t)size - 1);
  text[size - 1] = 0;
}

static void library_version(char* text, int32_t size) {
  char whole[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  whole[0] = 0;
  MPI_Get_library_version(whole, &length);
  copy_text(whole, text, size);
}

static void error_text(int32_t code, char* text, int32_t size) {
  char whole[MPI_MAX_ERROR_STRING];
  int length = 0;
  whole[0] = 0;
  MPI_Error_string(code, whole, &length);
  copy_text(whole, text, size);
}

static int32_t init(void) {
  int provided = 0;
  int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  return code != MPI_SUCCESS ? code : MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
}

static int32_t world_rank(void) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static int32_t world_size(void) {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

static int32_t node_ranks(int32_t* rank, int32_t* size) {
  MPI_Comm node;
  int found_rank = 0, found_size = 1;
  int code = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  if (code != MPI_SUCCESS) return code;
  MPI_Comm_rank(node, &found_rank);
  MPI_Comm_size(node, &found_size);
  *rank = found_rank;
  *size = found_size;
  return MPI_Comm_free(&node);
}

static int32_t send_bytes(const void* bytes, int32_t count, int32_t to, int32_t tag,
                          uint64_t* request) {
  MPI_Request made;
  int code = MPI_Isend(bytes, count, MPI_BYTE, to, tag, MPI_COMM_WORLD, &made);
  *request = 0;
  if (code == MPI_SUCCESS) memcpy(request, &made, sizeof made);
  return code;
}

static int32_t receive_bytes(void* bytes, int32_t count, int32_t from, int32_t tag,
                             uint64_t* request) {
  MPI_Request made;
  int code = MPI_Irecv(bytes, count, MPI_BYTE, from, tag, MPI_COMM_WORLD, &made);
  *request = 0;
  if (code == MPI_SUCCESS) memcpy(request, &made, sizeof made);
  return code;
}

static int32_t test_request(uint64_t* request, int32_t* is_done) {
  MPI_Request asked;
  MPI_Status status;
  int done = 0, code;
  memcpy(&asked, request, sizeof asked);
  code = MPI_Test(&asked, &done, &status);
  memcpy(request, &asked, sizeof asked);
  *is_done = done ? 1 : 0;
  return code;
}

static int32_t probe(int32_t from, int32_t* found, int32_t* source, int32_t* tag, int32_t* count) {
  MPI_Status status;
  int there = 0, bytes = 0;
  int code = MPI_Iprobe(from == QK_MPI_ANY ? MPI_ANY_SOURCE : from, MPI_ANY_TAG, MPI_COMM_WORLD,
                        &there, &status);
  *found = 0;
  if (code != MPI_SUCCESS || !there) return code;
  code = MPI_Get_count(&status, MPI_BYTE, &bytes);
  if (code != MPI_SUCCESS) return code;
  *found = 1;
  *source = status.MPI_SOURCE;
  *tag = status.MPI_TAG;
  *count = bytes;
  return MPI_SUCCESS;
}

static int32_t finalize(void) { return MPI_Finalize(); }

const QkMpiApi* qk_mpi_api(void) {
  static const QkMpiApi api = {
      QK_MPI_API_VERSION, library_version, error_text,   init,  world_rank, world_size, node_ranks,
      send_bytes,         receive_bytes,   test_request, probe, finalize};
  return &api;
}
