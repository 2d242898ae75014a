// Messages between the ranks of an MPI run. Nothing in here waits for another rank, except node_rank()
// and the end of leave().
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/mpi_api.h"
#include "cluster/transport.h"

namespace qk {

struct NodeRank {
  int rank = 0;
  int size = 1;  // ranks on this node
};

// A rank that MPI could not send to or receive from counts as dead from then on: what is sent to it
// is dropped, and what comes from it too, since a message may be missing.
class MpiTransport final : public Transport {
 public:
  static constexpr int64_t kPieceBytes = int64_t{1} << 28;

  // REQUIRES: api.init() was called by this thread and returned 0; 0 < piece_bytes <= INT_MAX.
  // Messages longer than a piece travel in several.
  explicit MpiTransport(const QkMpiApi& api, int64_t piece_bytes = kPieceBytes);
  // Without leave() the messages under way stay in memory, since MPI may still read them.
  ~MpiTransport() override;
  MpiTransport(const MpiTransport&) = delete;
  MpiTransport& operator=(const MpiTransport&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void send(int to, std::string bytes) override;
  std::optional<Received> poll() override;
  bool is_idle() override;

  // By who shares memory. Every rank has to call it. Throws Error.
  NodeRank node_rank();

  // The last call. All ranks have left: finishes MPI and returns; if that takes longer than
  // `patience` seconds, the process ends with exit_code. Else MPI would wait for a rank that is dead, so
  // the process ends at once with exit_code: files have to be closed, standard streams are flushed.
  void leave(bool all_left, int exit_code, double patience = 60);

 private:
  struct Outgoing;
  struct Piece;
  struct Traffic;

  void progress_sends();
  void progress_receives();
  void take_arrivals(int from);
  bool take_arrival(int from);
  bool receive_piece(Piece& piece, int from);
  static std::string take_message(std::deque<Piece>& pieces, size_t begin, size_t end);
  void give_up(int rank);

  const QkMpiApi& api_;
  const int64_t piece_bytes_;
  int rank_ = 0;
  int size_ = 1;
  bool has_left_ = false;
  bool probes_each_rank_ = false;  // since MPI refuses to look for messages of anyone
  std::vector<bool> is_dead_;      // [ranks]
  std::unique_ptr<Traffic> traffic_;
};

}  // namespace qk
