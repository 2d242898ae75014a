// For tests/cluster/mpi_abi_test.py: src/cluster/mpi_numbers.h against the headers of an MPI library.
// QK_FAMILY is 1 (Open MPI), 2 (MPICH) or 3 (the standard ABI). Prints each difference; exit code 1 if
// there is one. It calls no MPI, so it needs no MPI library.
#if QK_FAMILY == 3
#include <mpi_abi.h>
#else
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#endif

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <type_traits>

#include "cluster/mpi_families.h"
#include "cluster/mpi_numbers.h"

namespace {

int num_differences = 0;

void compare(const char* what, long long ours, long long header) {
  if (ours == header) return;
  std::printf("%s: mpi_numbers.h has %lld, the header %lld\n", what, ours, header);
  ++num_differences;
}

#if QK_FAMILY == 1
constexpr qk::MpiNumbers kOurs = qk::kOpenMpiNumbers;
#elif QK_FAMILY == 2
constexpr qk::MpiNumbers kOurs = qk::kMpichNumbers;
static_assert(std::is_same_v<MPI_Comm, int> && std::is_same_v<MPI_Request, int>);
#else
constexpr qk::MpiNumbers kOurs = qk::kStandardNumbers;
#endif
static_assert(QK_FAMILY == 2 || (std::is_pointer_v<MPI_Comm> && std::is_pointer_v<MPI_Datatype> &&
                                 std::is_pointer_v<MPI_Request>));
static_assert(sizeof(MPI_Comm) == sizeof(MPI_Datatype) && sizeof(MPI_Comm) == sizeof(MPI_Request) &&
              sizeof(MPI_Comm) == sizeof(MPI_Info) && sizeof(MPI_Comm) == sizeof(MPI_Errhandler));

void compare_handles() {
#if QK_FAMILY == 2
  compare("MPI_COMM_WORLD", qk::kMpichWorld, MPI_COMM_WORLD);
  compare("MPI_BYTE", qk::kMpichByte, MPI_BYTE);
  compare("MPI_INFO_NULL", qk::kMpichInfoNull, MPI_INFO_NULL);
  compare("MPI_ERRORS_RETURN", qk::kMpichErrorsReturn, MPI_ERRORS_RETURN);
#elif QK_FAMILY == 3
  const auto number = [](const void* handle) {
    return static_cast<long long>(reinterpret_cast<uintptr_t>(handle));
  };
  compare("MPI_COMM_WORLD", qk::kStandardWorld, number(MPI_COMM_WORLD));
  compare("MPI_BYTE", qk::kStandardByte, number(MPI_BYTE));
  compare("MPI_INFO_NULL", qk::kStandardInfoNull, number(MPI_INFO_NULL));
  compare("MPI_ERRORS_RETURN", qk::kStandardErrorsReturn, number(MPI_ERRORS_RETURN));
#endif
}

}  // namespace

#if QK_FAMILY == 1
// The names of these objects are seen as undefined symbols of the object file.
const void* volatile open_mpi_handles[] = {MPI_COMM_WORLD, MPI_BYTE, MPI_INFO_NULL,
                                           MPI_ERRORS_RETURN};
#endif

int main(int argc, char**) {
#if QK_FAMILY == 1
  if (argc > 1) {  // the names that mpi_numbers.h has
    std::printf("%s\n%s\n%s\n%s\n", qk::kOpenMpiByte, qk::kOpenMpiErrorsReturn,
                qk::kOpenMpiInfoNull, qk::kOpenMpiWorld);
    return 0;
  }
#endif
  (void)argc;
  compare("MPI_ANY_SOURCE", kOurs.any_source, MPI_ANY_SOURCE);
  compare("MPI_ANY_TAG", kOurs.any_tag, MPI_ANY_TAG);
  compare("MPI_THREAD_FUNNELED", kOurs.thread_funneled, MPI_THREAD_FUNNELED);
  compare("MPI_COMM_TYPE_SHARED", kOurs.comm_type_shared, MPI_COMM_TYPE_SHARED);
  compare("size of MPI_Status", static_cast<long long>(kOurs.status_bytes), sizeof(MPI_Status));
  compare("MPI_Status.MPI_SOURCE", static_cast<long long>(kOurs.status_source),
          offsetof(MPI_Status, MPI_SOURCE));
  compare("MPI_Status.MPI_TAG", static_cast<long long>(kOurs.status_tag),
          offsetof(MPI_Status, MPI_TAG));
  compare("MPI_SUCCESS", 0, MPI_SUCCESS);
  compare_handles();
  return num_differences == 0 ? 0 : 1;
}
