#include "staging/stage_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/path_text.h"
#include "base/stopped.h"
#include "staging/stage_note.h"
#include "staging/staged_copy.h"

namespace qk {
namespace {

constexpr int64_t kPiece = int64_t{16} << 20;

// Copies files one after the other: while a piece is written and digested, the next one is read.
class Stager {
 public:
  Stager(std::span<const WeightFile> files, PieceSource& source, ThreadPool& pool,
         const StageProgress& progress, const std::atomic<bool>* stop)
      : files_(files), source_(source), pool_(pool), progress_(progress), stop_(stop) {
    int64_t largest = 0;
    for (const WeightFile& file : files) {
      total_ += file.stamp.bytes;
      largest = std::max(largest, file.stamp.bytes);
    }
    for (auto& buffer : buffers_) buffer.resize(static_cast<size_t>(std::min(kPiece, largest)));
  }

  StagedFile copy(size_t index, const StagePlace& place) {
    const WeightFile& file = files_[index];
    const int64_t bytes = file.stamp.bytes;
    StagedCopy target(place, file.path, bytes);
    Sha256 digest;
    const bool digests = file.sha256.empty();
    std::span<std::byte> now = read(index, 0, 0);
    for (int64_t offset = 0, piece = 0; offset < bytes; offset += kPiece, ++piece) {
      refuse_stopped(stop_);
      std::span<std::byte> next;
      pool_.parallel_for(3, [&](int64_t task, int) {
        if (task == 0) next = read(index, offset + kPiece, static_cast<size_t>(piece + 1) % 2);
        if (task == 1) target.write(offset, now);
        if (task == 2 && digests) digest.update(now);
      });
      done_ += std::ssize(now);
      if (progress_) progress_(done_, total_);
      now = next;
    }
    source_.finish(index);
    return {.path = file.path,
            .bytes = bytes,
            .sha256 = digests ? digest.hex() : file.sha256,
            .fd = target.finish()};
  }

 private:
  // Empty behind the end.
  std::span<std::byte> read(size_t index, int64_t offset, size_t buffer) {
    const int64_t size = std::min(kPiece, files_[index].stamp.bytes - offset);
    if (size <= 0) return {};
    const std::span<std::byte> piece(buffers_.at(buffer).data(), static_cast<size_t>(size));
    source_.read(index, offset, piece);
    return piece;
  }

  std::span<const WeightFile> files_;
  PieceSource& source_;
  ThreadPool& pool_;
  const StageProgress& progress_;
  const std::atomic<bool>* stop_;
  std::array<std::vector<std::byte>, 2> buffers_;
  int64_t done_ = 0, total_ = 0;
};

StageNote note_of(const StagedFiles& staged) {
  StageNote note;
  note.pid = ::getpid();
  for (const StagedFile& file : staged.files) {
    struct stat status{};
    QK_CHECK(::fstat(file.fd.get(), &status) == 0);
    note.copies.push_back({.fd = file.fd.get(), .stamp = stamp_of(status), .sha256 = file.sha256});
  }
  return note;
}

// Opens a copy that another process holds. Returns why that is not possible; empty: it is open.
std::string open_copy(int64_t pid, const StageNote::Copy& copy, OwnedFd& out) {
  OwnedFd fd(::open(fmt::format("/proc/{}/fd/{}", pid, copy.fd).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return std::strerror(errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return std::strerror(errno);
  if (stamp_of(status) != copy.stamp) return "it is another file";
  out = std::move(fd);
  return "";
}

StagedFiles take_copies(std::span<const WeightFile> files, const StageNote& note) {
  if (note.stopped) throw Stopped();
  if (!note.error.empty()) fail("{} (said by the first process of this node)", note.error);
  if (note.copies.size() != files.size()) {
    fail(
        "staged weights: expected copies of {} files, found {}: do all processes of this node have the "
        "same model?",
        files.size(), note.copies.size());
  }
  StagedFiles out;
  for (size_t i = 0; i < files.size(); ++i) {
    const StageNote::Copy& copy = note.copies[i];
    if (copy.stamp.bytes != files[i].stamp.bytes) {
      fail(
          "{}: expected a copy of {} bytes, found {}: do all processes of this node have the same "
          "model?",
          path_text(files[i].path), files[i].stamp.bytes, copy.stamp.bytes);
    }
    out.files.push_back(
        {.path = files[i].path, .bytes = copy.stamp.bytes, .sha256 = copy.sha256, .fd = OwnedFd()});
    if (!out.warning.empty()) continue;
    const std::string fault = open_copy(note.pid, copy, out.files.back().fd);
    if (fault.empty()) continue;
    out.warning = fmt::format(
        "the staged weights of process {} cannot be opened ({}): this process reads the originals",
        note.pid, fault);
  }
  if (!out.warning.empty()) {
    for (StagedFile& file : out.files) file.fd.close();
  }
  return out;
}

}  // namespace

std::map<std::filesystem::path, std::string> StagedFiles::digests() const {
  std::map<std::filesystem::path, std::string> out;
  for (const StagedFile& file : files) out[file.path] = file.sha256;
  return out;
}

StagedFiles stage_files(std::span<const WeightFile> files, const StagePlace& place,
                        PieceSource& source, const NodeRanks& node, ThreadPool& pool,
                        const StageProgress& progress, const std::atomic<bool>* stop) {
  QK_CHECK(place.stages());
  if (node.local_rank > 0) return take_copies(files, decode_stage_note(node.hear()));
  const auto tell = [&](const StageNote& note) {
    if (node.num_local_ranks > 1) node.tell(encode(note));
  };
  StagedFiles out;
  StageNote note;
  try {
    refuse_stopped(stop);
    Stager stager(files, source, pool, progress, stop);
    for (size_t i = 0; i < files.size(); ++i) out.files.push_back(stager.copy(i, place));
    note = note_of(out);
  } catch (const Stopped&) {
    note.stopped = true;
    tell(note);
    throw;
  } catch (const std::exception& error) {
    note.error = error.what();
    tell(note);
    throw;
  }
  tell(note);
  return out;
}

}  // namespace qk
