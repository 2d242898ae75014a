#include "cluster/mpi_families.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "cluster/mpi_numbers.h"

namespace qk {
namespace {

constexpr int kTextBytes =
    8192;  // at least MPI_MAX_LIBRARY_VERSION_STRING and MPI_MAX_ERROR_STRING
constexpr size_t kStatusInts = 16;  // more than any MPI_Status
static_assert(kStatusInts * sizeof(int) >= 2 * kStandardNumbers.status_bytes);

using MpiStatus = std::array<int, kStatusInts>;

// The calls of one library. Handle: int, or a pointer.
template <typename Handle>
struct MpiCalls {
  int (*get_library_version)(char*, int*);
  int (*error_string)(int, char*, int*);
  int (*init_thread)(int*, char***, int, int*);
  int (*comm_set_errhandler)(Handle, Handle);
  int (*comm_rank)(Handle, int*);
  int (*comm_size)(Handle, int*);
  int (*comm_split_type)(Handle, int, int, Handle, Handle*);
  int (*comm_free)(Handle*);
  int (*isend)(const void*, int, Handle, int, int, Handle, Handle*);
  int (*irecv)(void*, int, Handle, int, int, Handle, Handle*);
  int (*test)(Handle*, int*, int* status);
  int (*iprobe)(int, int, Handle, int*, int* status);
  int (*get_count)(const int* status, Handle, int*);
  int (*finalize)();
};

template <typename Handle>
struct BoundMpi {
  MpiCalls<Handle> calls;
  MpiNumbers numbers;
  Handle world, byte, info_null, errors_return;
};

void copy_text(const char* from, char* text, int32_t size) {
  const std::string_view whole(from);
  const size_t length = std::min(whole.size(), static_cast<size_t>(size) - 1);
  std::memcpy(text, whole.data(), length);
  text[length] = '\0';
}

// One for each type of handles, since the functions of a C table know nothing but their arguments.
template <typename Handle>
class MpiTable {
 public:
  static const QkMpiApi& bind(const BoundMpi<Handle>& mpi) {
    bound = mpi;
    static const QkMpiApi api = {.api_version = QK_MPI_API_VERSION,
                                 .library_version = library_version,
                                 .error_text = error_text,
                                 .init = init,
                                 .rank = rank,
                                 .size = size,
                                 .node_ranks = node_ranks,
                                 .send = send,
                                 .receive = receive,
                                 .test = test,
                                 .probe = probe,
                                 .finalize = finalize};
    return api;
  }

 private:
  static uint64_t as_request(Handle handle) {
    uint64_t request = 0;
    std::memcpy(&request, static_cast<const void*>(&handle), sizeof handle);
    return request;
  }

  static Handle as_handle(uint64_t request) {
    Handle handle;
    std::memcpy(static_cast<void*>(&handle), &request, sizeof handle);
    return handle;
  }

  static void library_version(char* text, int32_t size) {
    std::array<char, kTextBytes> whole = {};
    int length = 0;
    bound.calls.get_library_version(whole.data(), &length);
    copy_text(whole.data(), text, size);
  }

  static void error_text(int32_t code, char* text, int32_t size) {
    std::array<char, kTextBytes> whole = {};
    int length = 0;
    bound.calls.error_string(code, whole.data(), &length);
    copy_text(whole.data(), text, size);
  }

  static int32_t init() {
    int provided = 0;
    const int code =
        bound.calls.init_thread(nullptr, nullptr, bound.numbers.thread_funneled, &provided);
    return code != 0 ? code : bound.calls.comm_set_errhandler(bound.world, bound.errors_return);
  }

  static int32_t rank() {
    int rank = 0;
    bound.calls.comm_rank(bound.world, &rank);
    return rank;
  }

  static int32_t size() {
    int size = 0;
    bound.calls.comm_size(bound.world, &size);
    return size;
  }

  static int32_t node_ranks(int32_t* rank, int32_t* size) {
    Handle node;
    const int code = bound.calls.comm_split_type(bound.world, bound.numbers.comm_type_shared, 0,
                                                 bound.info_null, &node);
    if (code != 0) return code;
    bound.calls.comm_rank(node, rank);
    bound.calls.comm_size(node, size);
    return bound.calls.comm_free(&node);
  }

  static int32_t send(const void* bytes, int32_t count, int32_t to, int32_t tag,
                      uint64_t* request) {
    Handle made = {};
    const int code = bound.calls.isend(bytes, count, bound.byte, to, tag, bound.world, &made);
    *request = as_request(made);
    return code;
  }

  static int32_t receive(void* bytes, int32_t count, int32_t from, int32_t tag, uint64_t* request) {
    Handle made = {};
    const int code = bound.calls.irecv(bytes, count, bound.byte, from, tag, bound.world, &made);
    *request = as_request(made);
    return code;
  }

  static int32_t test(uint64_t* request, int32_t* is_done) {
    Handle asked = as_handle(*request);
    MpiStatus status = {};
    int done = 0;
    const int code = bound.calls.test(&asked, &done, status.data());
    *request = as_request(asked);
    *is_done = done != 0 ? 1 : 0;
    return code;
  }

  static int32_t probe(int32_t from, int32_t* found, int32_t* source, int32_t* tag,
                       int32_t* count) {
    MpiStatus status = {};
    int there = 0;
    *found = 0;
    const int code = bound.calls.iprobe(from == QK_MPI_ANY ? bound.numbers.any_source : from,
                                        bound.numbers.any_tag, bound.world, &there, status.data());
    if (code != 0 || there == 0) return code;
    *found = 1;
    *source = status.at(bound.numbers.status_source / sizeof(int));
    *tag = status.at(bound.numbers.status_tag / sizeof(int));
    return bound.calls.get_count(status.data(), bound.byte, count);
  }

  static int32_t finalize() { return bound.calls.finalize(); }

  static inline BoundMpi<Handle> bound = {};
};

class SymbolReader {
 public:
  SymbolReader(const std::string& library, const MpiSymbols& symbols)
      : library_(library), symbols_(symbols) {}

  void* object(const char* name) const {
    void* const found = symbols_(name);
    if (found == nullptr) fail("{}: expected the symbol {} of MPI 3, found none", library_, name);
    return found;
  }

  template <typename Function>
  void function(const char* name, Function*& out) const {
    out = reinterpret_cast<Function*>(object(name));
  }

 private:
  const std::string& library_;
  const MpiSymbols& symbols_;
};

template <typename Handle>
MpiCalls<Handle> read_calls(const SymbolReader& reader) {
  MpiCalls<Handle> calls = {};
  reader.function("MPI_Get_library_version", calls.get_library_version);
  reader.function("MPI_Error_string", calls.error_string);
  reader.function("MPI_Init_thread", calls.init_thread);
  reader.function("MPI_Comm_set_errhandler", calls.comm_set_errhandler);
  reader.function("MPI_Comm_rank", calls.comm_rank);
  reader.function("MPI_Comm_size", calls.comm_size);
  reader.function("MPI_Comm_split_type", calls.comm_split_type);
  reader.function("MPI_Comm_free", calls.comm_free);
  reader.function("MPI_Isend", calls.isend);
  reader.function("MPI_Irecv", calls.irecv);
  reader.function("MPI_Test", calls.test);
  reader.function("MPI_Iprobe", calls.iprobe);
  reader.function("MPI_Get_count", calls.get_count);
  reader.function("MPI_Finalize", calls.finalize);
  return calls;
}

void* as_pointer(uintptr_t number) { return std::bit_cast<void*>(number); }

}  // namespace

std::optional<MpiFamily> find_mpi_family(const MpiSymbols& symbols) {
  if (symbols("MPI_Init_thread") == nullptr) return std::nullopt;
  // A library that has the call but another interface says -1.
  if (void* const address = symbols("MPI_Abi_get_version"); address != nullptr) {
    int major = 0, minor = 0;
    const auto get_version = reinterpret_cast<int (*)(int*, int*)>(address);
    if (get_version(&major, &minor) == 0 && major > 0) return MpiFamily::kStandard;
  }
  return symbols(kOpenMpiWorld) != nullptr ? MpiFamily::kOpenMpi : MpiFamily::kMpich;
}

const QkMpiApi& mpi_api_of(MpiFamily family, const std::string& library,
                           const MpiSymbols& symbols) {
  const SymbolReader reader(library, symbols);
  switch (family) {
    case MpiFamily::kOpenMpi:
      return MpiTable<void*>::bind({.calls = read_calls<void*>(reader),
                                    .numbers = kOpenMpiNumbers,
                                    .world = reader.object(kOpenMpiWorld),
                                    .byte = reader.object(kOpenMpiByte),
                                    .info_null = reader.object(kOpenMpiInfoNull),
                                    .errors_return = reader.object(kOpenMpiErrorsReturn)});
    case MpiFamily::kMpich:
      return MpiTable<int>::bind({.calls = read_calls<int>(reader),
                                  .numbers = kMpichNumbers,
                                  .world = kMpichWorld,
                                  .byte = kMpichByte,
                                  .info_null = kMpichInfoNull,
                                  .errors_return = kMpichErrorsReturn});
    case MpiFamily::kStandard:
      return MpiTable<void*>::bind({.calls = read_calls<void*>(reader),
                                    .numbers = kStandardNumbers,
                                    .world = as_pointer(kStandardWorld),
                                    .byte = as_pointer(kStandardByte),
                                    .info_null = as_pointer(kStandardInfoNull),
                                    .errors_return = as_pointer(kStandardErrorsReturn)});
  }
  QK_CHECK(false);
}

}  // namespace qk
