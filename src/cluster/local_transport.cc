#include "cluster/local_transport.h"

#include <utility>

#include "base/error.h"

namespace qk {

class LocalTransport : public Transport {
 public:
  LocalTransport(LocalNetwork& network, int rank) : network_(network), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return network_.size(); }
  void send(int to, std::string bytes) override { network_.send(rank_, to, std::move(bytes)); }
  std::optional<Received> poll() override { return network_.poll(rank_); }
  bool is_idle() override { return true; }

 private:
  LocalNetwork& network_;
  const int rank_;
};

LocalNetwork::LocalNetwork(int size) : boxes_(static_cast<size_t>(size)) {
  for (Box& box : boxes_) box.from.resize(static_cast<size_t>(size));
}

std::unique_ptr<Transport> LocalNetwork::transport(int rank) {
  QK_CHECK(rank >= 0 && rank < size());
  return std::make_unique<LocalTransport>(*this, rank);
}

void LocalNetwork::drop(int rank) {
  const std::lock_guard lock(mutex_);
  boxes_.at(static_cast<size_t>(rank)).is_dropped = true;
  for (auto& letters : boxes_[static_cast<size_t>(rank)].from) letters.clear();
  for (Box& box : boxes_) box.from[static_cast<size_t>(rank)].clear();
}

void LocalNetwork::delay(int rank, double seconds) {
  const std::lock_guard lock(mutex_);
  boxes_.at(static_cast<size_t>(rank)).delay =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

void LocalNetwork::set_hook(Hook hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::make_shared<const Hook>(std::move(hook));
}

void LocalNetwork::send(int from, int to, std::string bytes) {
  QK_CHECK(to >= 0 && to < size());
  std::shared_ptr<const Hook> hook;
  {
    const std::lock_guard lock(mutex_);
    hook = hook_;
  }
  if (hook != nullptr && *hook && !(*hook)(from, to, bytes)) return;
  const std::lock_guard lock(mutex_);
  const Box& sender = boxes_[static_cast<size_t>(from)];
  Box& box = boxes_[static_cast<size_t>(to)];
  if (sender.is_dropped || box.is_dropped) return;
  box.from[static_cast<size_t>(from)].push_back({Clock::now() + sender.delay, std::move(bytes)});
}

std::optional<Transport::Received> LocalNetwork::poll(int rank) {
  const std::lock_guard lock(mutex_);
  Box& box = boxes_[static_cast<size_t>(rank)];
  const Clock::time_point now = Clock::now();
  for (int i = 0; i < size(); ++i) {
    const int from = (box.next + i) % size();
    std::deque<Letter>& letters = box.from[static_cast<size_t>(from)];
    if (letters.empty() || letters.front().due > now) continue;
    Transport::Received received = {from, std::move(letters.front().bytes)};
    letters.pop_front();
    box.next = (from + 1) % size();
    return received;
  }
  return std::nullopt;
}

}  // namespace qk
