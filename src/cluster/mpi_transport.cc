#include "cluster/mpi_transport.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"

namespace qk {
namespace {

// Tags of MPI. Messages of one rank to another are found in the order in which they were sent, whatever
// their tag, so the pieces of a message follow each other.
constexpr int32_t kLastPiece = 1, kMorePieces = 2;

constexpr int kMaxArrivals = 256;  // taken in one look, so that sending goes on meanwhile

std::string mpi_error_text(const QkMpiApi& api, int32_t code) {
  std::array<char, 512> text = {};
  api.error_text(code, text.data(), static_cast<int32_t>(text.size()));
  return printable(text.data(), 300);
}

// Ends the process if it is not destroyed in time.
class EndGuard {
 public:
  EndGuard(double seconds, int exit_code)
      : thread_([this, seconds, exit_code] {
          std::unique_lock lock(mutex_);
          if (!done_.wait_for(lock, std::chrono::duration<double>(seconds),
                              [this] { return is_done_; })) {
            std::fflush(nullptr);
            ::_exit(exit_code);
          }
        }) {}

  ~EndGuard() {
    {
      const std::lock_guard lock(mutex_);
      is_done_ = true;
    }
    done_.notify_one();
    thread_.join();
  }

  EndGuard(const EndGuard&) = delete;
  EndGuard& operator=(const EndGuard&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  bool is_done_ = false;
  std::thread thread_;
};

}  // namespace

// A message that MPI is sending.
struct MpiTransport::Outgoing {
  int to = 0;
  std::string bytes;
  std::vector<uint64_t> requests;  // of the pieces that have not left
};

// A piece that MPI is receiving.
struct MpiTransport::Piece {
  std::string bytes;
  uint64_t request = 0;
  bool is_done = false;
  bool is_last = false;
};

// What MPI holds addresses of never moves: these containers keep their elements where they are.
struct MpiTransport::Traffic {
  std::list<Outgoing> outgoing;
  std::map<int, std::deque<Piece>> arriving;  // by the rank it comes from, in order
  std::deque<Received> arrived;
};

MpiTransport::MpiTransport(const QkMpiApi& api, int64_t piece_bytes)
    : api_(api),
      piece_bytes_(piece_bytes),
      rank_(api.rank()),
      size_(api.size()),
      is_dead_(static_cast<size_t>(size_), false),
      traffic_(std::make_unique<Traffic>()) {
  QK_CHECK(piece_bytes > 0 && piece_bytes <= INT_MAX);
}

MpiTransport::~MpiTransport() {
  if (has_left_) return;
  static std::vector<Traffic*> kept;
  kept.push_back(traffic_.release());
}

void MpiTransport::send(int to, std::string bytes) {
  QK_CHECK(to >= 0 && to < size_ && !has_left_);
  if (to == rank_) {
    traffic_->arrived.push_back({.from = rank_, .bytes = std::move(bytes)});
    return;
  }
  if (is_dead_[static_cast<size_t>(to)]) return;
  Outgoing& message = traffic_->outgoing.emplace_back();
  message.to = to;
  message.bytes = std::move(bytes);
  const auto size = static_cast<int64_t>(message.bytes.size());
  int64_t at = 0;
  do {
    const int64_t count = std::min(size - at, piece_bytes_);
    const int32_t tag = at + count == size ? kLastPiece : kMorePieces;
    uint64_t request = 0;
    if (api_.send(message.bytes.data() + at, static_cast<int32_t>(count), to, tag, &request) != 0) {
      give_up(to);
      return;
    }
    message.requests.push_back(request);
    at += count;
  } while (at < size);
}

std::optional<Transport::Received> MpiTransport::poll() {
  QK_CHECK(!has_left_);
  if (traffic_->arrived.empty()) {
    progress_sends();
    if (probes_each_rank_) {
      for (int from = 0; from < size_; ++from) {
        if (from != rank_ && !is_dead_[static_cast<size_t>(from)]) take_arrivals(from);
      }
    } else {
      take_arrivals(QK_MPI_ANY);
    }
    progress_receives();
  }
  if (traffic_->arrived.empty()) return std::nullopt;
  Received out = std::move(traffic_->arrived.front());
  traffic_->arrived.pop_front();
  return out;
}

bool MpiTransport::is_idle() {
  progress_sends();
  return std::all_of(
      traffic_->outgoing.begin(), traffic_->outgoing.end(),
      [this](const Outgoing& message) { return is_dead_[static_cast<size_t>(message.to)]; });
}

void MpiTransport::progress_sends() {
  for (auto message = traffic_->outgoing.begin(); message != traffic_->outgoing.end();) {
    std::vector<uint64_t> left;
    for (uint64_t request : message->requests) {
      int32_t is_done = 0;
      if (api_.test(&request, &is_done) != 0) {
        give_up(message->to);
      } else if (is_done == 0) {
        left.push_back(request);
      }
    }
    message->requests = std::move(left);
    message = message->requests.empty() ? traffic_->outgoing.erase(message) : std::next(message);
  }
}

void MpiTransport::take_arrivals(int from) {
  for (int i = 0; i < kMaxArrivals && take_arrival(from); ++i) {
  }
}

// Begins to receive the next message; false: there is none.
bool MpiTransport::take_arrival(int from) {
  int32_t found = 0, source = 0, tag = 0, count = 0;
  if (api_.probe(from, &found, &source, &tag, &count) != 0) {
    // Some libraries refuse to look for messages of anyone once a rank is dead.
    if (from == QK_MPI_ANY) {
      probes_each_rank_ = true;
    } else {
      give_up(from);
    }
    return false;
  }
  if (found == 0) return false;
  Piece& piece = traffic_->arriving[source].emplace_back();
  piece.is_last = tag == kLastPiece;
  piece.bytes.resize(static_cast<size_t>(count));
  if (api_.receive(piece.bytes.data(), count, source, tag, &piece.request) != 0) {
    piece.is_done = true;
    give_up(source);
  }
  return true;
}

// False: MPI failed to.
bool MpiTransport::receive_piece(Piece& piece, int from) {
  if (piece.is_done) return true;
  int32_t is_done = 0;
  if (api_.test(&piece.request, &is_done) != 0) {
    piece.is_done = true;
    give_up(from);
    return false;
  }
  piece.is_done = is_done != 0;
  return true;
}

// The message of these pieces, which are given back one by one: it may be larger than half the memory.
std::string MpiTransport::take_message(std::deque<Piece>& pieces, size_t begin, size_t end) {
  if (end - begin == 1) return std::move(pieces[begin].bytes);
  size_t size = 0;
  for (size_t i = begin; i < end; ++i) size += pieces[i].bytes.size();
  std::string out;
  out.reserve(size);
  for (size_t i = begin; i < end; ++i) out += std::exchange(pieces[i].bytes, {});
  return out;
}

void MpiTransport::progress_receives() {
  for (auto& [from, pieces] : traffic_->arriving) {
    size_t num_whole = 0;  // pieces at the front that are there
    bool is_in_order = true;
    for (Piece& piece : pieces) {
      if (!receive_piece(piece, from)) break;
      is_in_order = is_in_order && piece.is_done;
      if (is_in_order) ++num_whole;
    }
    if (is_dead_[static_cast<size_t>(from)]) {
      // A receive that MPI has not ended may still be written to.
      while (!pieces.empty() && pieces.front().is_done) pieces.pop_front();
      continue;
    }
    size_t begin = 0;
    for (size_t i = 0; i < num_whole; ++i) {
      if (!pieces[i].is_last) continue;
      traffic_->arrived.push_back({.from = from, .bytes = take_message(pieces, begin, i + 1)});
      begin = i + 1;
    }
    pieces.erase(pieces.begin(), pieces.begin() + static_cast<ptrdiff_t>(begin));
  }
}

void MpiTransport::give_up(int rank) { is_dead_[static_cast<size_t>(rank)] = true; }

NodeRank MpiTransport::node_rank() {
  NodeRank out;
  int32_t rank = 0, size = 1;
  if (const int32_t code = api_.node_ranks(&rank, &size); code != 0) {
    fail("MPI does not tell the ranks of this node: {}", mpi_error_text(api_, code));
  }
  out.rank = rank;
  out.size = size;
  return out;
}

void MpiTransport::leave(bool all_left, int exit_code, double patience) {
  QK_CHECK(!has_left_);
  if (!all_left) {
    std::fflush(nullptr);
    ::_exit(exit_code);
  }
  const EndGuard guard(patience, exit_code);
  api_.finalize();
  has_left_ = true;
}

}  // namespace qk
