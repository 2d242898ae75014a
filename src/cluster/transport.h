// Messages between the ranks of one run: MPI (mpi_transport.h), or queues of one process in tests.
#pragma once

#include <optional>
#include <string>

namespace qk {

// Threads: one, that which made it.
class Transport {
 public:
  struct Received {
    int from = 0;  // rank
    std::string bytes;
  };

  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;  // ranks
  // Returns at once. Messages from one rank to another arrive in order; so do those to itself.
  virtual void send(int to, std::string bytes) = 0;
  // The next message that has arrived; also what keeps messages under way going.
  virtual std::optional<Received> poll() = 0;
  // All that was sent has left.
  virtual bool is_idle() = 0;
};

}  // namespace qk
