#include "ranks/weight_spread.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/path_text.h"
#include "base/stopped.h"
#include "capture/stage_weights.h"
#include "ranks/rank_stages.h"
#include "ranks/wire.h"

namespace qk {
namespace {

constexpr const char* kSpreadStage = "weights of rank 0";
constexpr const char* kSpreadPiece = "piece of the weights of rank 0";
constexpr int64_t kMostPiece = int64_t{4} << 20, kLeastPiece = int64_t{64} << 10;
constexpr int64_t kMostUnderWay = int64_t{128} << 20;  // copies of pieces in messages, of all ranks
constexpr size_t kMostPieces = 16;                     // that not all ranks have

struct SentPiece {
  uint64_t file = 0;
  int64_t offset = 0;
  bool is_last = false;  // of all
  std::string_view bytes = {};
};

// The header alone: the bytes follow it.
std::string piece_header(const SentPiece& piece, size_t num_bytes) {
  WireWriter out;
  out.number(piece.file);
  out.number(piece.offset);
  out.number(static_cast<uint8_t>(piece.is_last));
  out.number(static_cast<uint64_t>(num_bytes));
  return out.take();
}

SentPiece decode_piece(std::string_view text) {
  WireReader in(text, kSpreadPiece);
  SentPiece out;
  out.file = in.number<uint64_t>();
  out.offset = in.number<int64_t>();
  out.is_last = in.number<uint8_t>() != 0;
  out.bytes = in.text();
  in.end();
  return out;
}

// What a rank gets from rank 0. Throws Stopped when nothing more comes, or a piece is missing: the
// run stops, or this rank was given up meanwhile.
class SentPieces : public PieceSource {
 public:
  explicit SentPieces(Worker& worker) : worker_(worker) {}

  void read(size_t file, int64_t offset, std::span<std::byte> piece) override {
    while (!piece.empty()) {
      if (!task_) take_piece(file, offset);
      const size_t size = std::min(piece.size(), piece_.bytes.size());
      if (size == 0) throw Stopped();
      std::memcpy(piece.data(), piece_.bytes.data(), size);
      piece_.bytes.remove_prefix(size);
      piece = piece.subspan(size);
      offset += static_cast<int64_t>(size);
      if (piece_.bytes.empty() && !piece_.is_last) give_back("");
    }
  }

  void finish(size_t /*file*/) override {}  // rank 0 looks whether it has changed

  // For the last piece, after those that were not read.
  void answer(const std::string& text) {
    while (true) {
      if (!task_) task_ = worker_.next_task(/*wait=*/true);
      if (!task_) return;
      const bool is_last = decode_piece(task_->text).is_last;
      give_back(is_last ? text : "");
      if (is_last) return;
    }
  }

 private:
  void take_piece(size_t file, int64_t offset) {
    task_ = worker_.next_task(/*wait=*/true);
    if (!task_) throw Stopped();
    piece_ = decode_piece(task_->text);
    if (piece_.file != file || piece_.offset != offset) throw Stopped();
  }

  void give_back(std::string text) {
    worker_.send_result(*task_, std::move(text));
    task_.reset();
  }

  Worker& worker_;
  std::optional<CrewTask> task_;
  SentPiece piece_;  // a view of it
};

// The tasks of rank 0: each piece for each receiver.
class PieceSender {
 public:
  PieceSender(const WeightSpread& spread, std::vector<int> receivers)
      : spread_(spread), receivers_(std::move(receivers)) {
    for (const WeightFile& file : spread.files) total_ += file.stamp.bytes;
    const int64_t copies = std::ssize(receivers_) * std::max(1, spread.in_hand);
    piece_bytes_ = std::clamp(kMostUnderWay / copies, kLeastPiece, kMostPiece);
    if (spread.piece_bytes > 0) piece_bytes_ = spread.piece_bytes;
  }

  bool has_room() {
    while (!held_.empty() && held_.front().expired()) held_.pop_front();
    return to_ != 0 || held_.size() < kMostPieces;
  }

  std::optional<CrewTask> next() {
    if (to_ == 0) {
      if (done_ == total_) return std::nullopt;
      read_piece();
    }
    CrewTask task{.id = num_tasks_++, .rank = receivers_[to_], .body = piece_};
    to_ = (to_ + 1) % receivers_.size();
    if (to_ == 0) piece_.reset();
    return task;
  }

  int64_t done() const { return done_; }
  int64_t total() const { return total_; }

 private:
  void read_piece() {
    while (offset_ == spread_.files[file_].stamp.bytes) {  // empty ones
      ++file_;
      offset_ = 0;
    }
    const int64_t bytes = spread_.files[file_].stamp.bytes;
    const int64_t size = std::min(piece_bytes_, bytes - offset_);
    const SentPiece piece{
        .file = file_, .offset = offset_, .is_last = done_ + size == total_, .bytes = {}};
    std::string text = piece_header(piece, static_cast<size_t>(size));
    const size_t begin = text.size();
    text.resize(begin + static_cast<size_t>(size));
    spread_.source->read(file_, offset_, std::as_writable_bytes(std::span(text).subspan(begin)));
    offset_ += size;
    done_ += size;
    if (offset_ == bytes) spread_.source->finish(file_);
    piece_ = std::make_shared<const std::string>(std::move(text));
    held_.emplace_back(piece_);
  }

  const WeightSpread& spread_;
  const std::vector<int> receivers_;  // ranks
  int64_t piece_bytes_ = kMostPiece;
  int64_t done_ = 0, total_ = 0;
  size_t file_ = 0;
  int64_t offset_ = 0;
  std::shared_ptr<const std::string> piece_;
  size_t to_ = 0;  // receiver of the next task
  int64_t num_tasks_ = 0;
  std::deque<std::weak_ptr<const std::string>> held_;
};

}  // namespace

std::string encode(const SpreadStage& stage) {
  WireWriter out;
  out.number(static_cast<uint64_t>(stage.num_local_ranks.size()));
  for (const int32_t count : stage.num_local_ranks) out.number(count);
  out.number(static_cast<uint64_t>(stage.file_bytes.size()));
  for (const int64_t bytes : stage.file_bytes) out.number(bytes);
  return out.take();
}

SpreadStage decode_spread_stage(std::string_view body) {
  WireReader in(body, kSpreadStage);
  SpreadStage out;
  for (auto left = in.number<uint64_t>(); left > 0; --left) {
    out.num_local_ranks.push_back(in.number<int32_t>());
  }
  for (auto left = in.number<uint64_t>(); left > 0; --left) {
    out.file_bytes.push_back(in.number<int64_t>());
  }
  in.end();
  return out;
}

void receive_weights(const RunContext& context, const SpreadStage& stage, Worker& worker,
                     std::optional<StagedFiles>& staged) {
  const auto rank = static_cast<size_t>(worker.rank());
  if (rank >= stage.num_local_ranks.size() || stage.num_local_ranks[rank] == 0) return;
  const std::vector<WeightFile> files = weight_files(context.run.model);
  if (files.size() != stage.file_bytes.size()) {
    fail("expected {} files of weights as rank 0 has, found {}", stage.file_bytes.size(),
         files.size());
  }
  for (size_t i = 0; i < files.size(); ++i) {
    if (files[i].stamp.bytes == stage.file_bytes[i]) continue;
    fail("{}: expected {} bytes as rank 0 has, found {}", path_text(files[i].path),
         stage.file_bytes[i], files[i].stamp.bytes);
  }
  SentPieces source(worker);
  StagingAnswer answer;
  try {
    answer =
        stage_on_node(context, {.num_local_ranks = stage.num_local_ranks[rank]}, staged, &source);
  } catch (const Stopped&) {
    staged.reset();
    answer = {};
  }
  source.answer(encode(answer));
}

bool send_weights(Leader& leader, const SpreadStage& stage, const WeightSpread& spread,
                  std::map<int, StagingAnswer>& answers) {
  std::vector<int> receivers;
  for (size_t i = 0; i < stage.num_local_ranks.size(); ++i) {
    if (stage.num_local_ranks[i] > 0) receivers.push_back(static_cast<int>(i));
  }
  PieceSender sender(spread, std::move(receivers));
  return leader.run_stage({.text = stage_text(StageKind::kSpread, encode(stage)),
                           .next = [&] { return sender.next(); },
                           .has_room = [&] { return sender.has_room(); },
                           .take =
                               [&](CrewResult&& result) {
                                 if (!result.text.empty())
                                   answers[result.rank] = decode_staging_answer(result.text);
                               },
                           .show =
                               [&](const std::vector<RankState>& states) {
                                 if (spread.show)
                                   spread.show(sender.done(), sender.total(), states);
                               }});
}

}  // namespace qk
