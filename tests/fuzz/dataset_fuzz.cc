// Reads any bytes as a head's Parquet file, in both ways, and as a card. The result must be an error,
// or a list of problems, or a dataset whose rows are those that were read. A false size must not
// cause a large allocation, and nothing may end the process.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "dataset/card.h"
#include "dataset/dataset_check.h"
#include "dataset/head_rows.h"

namespace {

namespace fs = std::filesystem;

// A dataset's folder in memory, reused for every input.
const fs::path& folder() {
  static const fs::path path = [] {
    const fs::path memory = "/dev/shm";
    std::error_code error;
    std::string pattern =
        ((fs::is_directory(memory, error) ? memory : fs::temp_directory_path()) / "qk-fuzz-XXXXXX")
            .string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    for (const char* head : {"l00h00q", "l00h00k"})
      fs::create_directories(fs::path(pattern) / head);
    static const struct Remove {
      std::string path;
      ~Remove() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
      }
    } at_end{pattern};
    return fs::path(pattern);
  }();
  return path;
}

void put(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void require(bool holds) {
  if (!holds) std::abort();
}

// As `analyze` reads it.
void read_rows(const fs::path& file) {
  try {
    qk::HeadRowReader reader({file});
    qk::HeadRowBatch batch;
    int64_t rows = 0;
    while (reader.next(batch)) rows += batch.num_rows();
    require(rows == reader.num_rows());
  } catch (const qk::Error&) {
  }
}

// The first two bytes hold the length of the first part.
void split(std::string_view input, std::string_view& card, std::string_view& file) {
  const auto byte = [&](size_t at) { return static_cast<size_t>(static_cast<uint8_t>(input[at])); };
  const size_t size = std::min(byte(0) + 256 * byte(1), input.size() - 2);
  card = input.substr(2, size);
  file = input.substr(2 + size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view card;
  std::string_view file;
  split({reinterpret_cast<const char*>(data), size}, card, file);
  const qk::CardFacts facts = qk::read_card(card);
  for (const qk::FileSummary& entry : facts.files) require(entry.sha256.size() == 64);
  put(folder() / "README.md", card);
  put(folder() / "l00h00q/data.parquet", file);
  put(folder() / "l00h00k/data.parquet", file);
  read_rows(folder() / "l00h00q/data.parquet");
  static qk::ThreadPool pool(1);
  try {
    const qk::DatasetCheck check = qk::check_dataset(folder(), pool);
    if (!check.info.problems.empty()) return 0;
    int64_t rows = 0;
    for (const auto& [bucket, count] : check.info.heads.front().bucket_counts) rows += count;
    require(rows == check.info.heads.front().rows);
  } catch (const qk::Error&) {
  }
  return 0;
}
