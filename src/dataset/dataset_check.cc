#include "dataset/dataset_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/stopped.h"
#include "dataset/card.h"
#include "dataset/document_table.h"
#include "dataset/schema.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

class Checker {
 public:
  Checker(fs::path folder, ThreadPool& pool, const std::atomic<bool>* stop)
      : folder_(std::move(folder)), pool_(pool), stop_(stop) {}

  DatasetCheck run() {
    read_facts();
    auto watches = watch_rows(facts_.canaries);
    check_.info = read_dataset(folder_, pool_, &watches, stop_);
    is_ours_ = std::ranges::any_of(check_.info.heads, [](const HeadInfo& head) {
      return head.footer.contains(std::string(kFooterFormat));
    });
    check_card();
    check_files();
    check_documents();
    check_counts();
    for (const RowPair& pair : facts_.canaries) {
      ++check_.num_canaries;
      if (const std::string fault = canary_fault(pair, watches); !fault.empty()) {
        problem(folder_, fault);
      }
    }
    return std::move(check_);
  }

 private:
  void problem(const fs::path& file, std::string what) {
    check_.info.problems.push_back({file, std::move(what)});
  }

  void read_facts() {
    std::error_code error;
    const fs::path card = folder_ / "README.md";
    if (fs::is_regular_file(card, error)) facts_ = read_card(read_file(card, kMostCardBytes));
    const fs::path state = folder_ / "_saver_state.json";
    if (!fs::is_regular_file(state, error)) return;
    const auto json = nlohmann::json::parse(read_file(state, kMostCardBytes), nullptr, false);
    if (!json.is_object() || !json.contains("bucket_counts")) return;
    if (!json["bucket_counts"].is_object()) return;
    for (const auto& [bucket, count] : json["bucket_counts"].items()) {
      const bool digits = !bucket.empty() && bucket.size() < 10 &&
                          std::ranges::all_of(bucket, [](char c) { return c >= '0' && c <= '9'; });
      if (digits && count.is_number_integer()) {
        state_counts_[std::stoi(bucket)] = count.get<int64_t>();
      }
    }
  }

  void check_card() {
    if (!is_ours_) return;
    const fs::path card = folder_ / "README.md";
    if (!check_.info.has_card) return;  // the reader has said so
    if (facts_.damaged) problem(card, "a line of its tables cannot be read");
    if (facts_.files.empty()) problem(card, "has no table of files");
    for (const HeadInfo& head : check_.info.heads) {
      const auto format = head.footer.find(std::string(kFooterFormat));
      if (head.files.empty() || (format != head.footer.end() && format->second == kDatasetFormat)) {
        continue;
      }
      problem(head.files.front(),
              fmt::format("its footer does not name version {} of the format", kDatasetFormat));
    }
  }

  const HeadInfo* find(const std::string& config) const {
    for (const HeadInfo& head : check_.info.heads) {
      if (config_name(head.head.layer, head.head.head, head.head.kind) == config) return &head;
    }
    return nullptr;
  }

  // Sizes and counts of the card's table, then the digests of the files that are there.
  void check_files() {
    std::vector<std::string> faults(facts_.files.size());
    pool_.parallel_for(std::ssize(facts_.files), [&](int64_t index, int) {
      refuse_stopped(stop_);
      const auto at = static_cast<size_t>(index);
      faults[at] = file_fault(facts_.files[at]);
    });
    for (size_t i = 0; i < faults.size(); ++i) {
      ++check_.num_digests;
      if (!faults[i].empty()) problem(path_of(facts_.files[i]), faults[i]);
    }
    if (facts_.files.empty()) return;
    for (const HeadInfo& head : check_.info.heads) {
      const std::string config = config_name(head.head.layer, head.head.head, head.head.kind);
      const bool known = std::ranges::any_of(
          facts_.files, [&](const FileSummary& file) { return file.config == config; });
      if (!known) problem(folder_ / config, "is not in the card's table of files");
    }
  }

  fs::path path_of(const FileSummary& file) const { return folder_ / file.config / "data.parquet"; }

  std::string file_fault(const FileSummary& file) const {
    const HeadInfo* head = find(file.config);
    if (head == nullptr) return "is missing, though the card's table has it";
    if (head->file_bytes != file.bytes) {
      return fmt::format("has {} bytes, the card says {}", head->file_bytes, file.bytes);
    }
    if (head->rows != file.rows) {
      return fmt::format("has {} rows, the card says {}", head->rows, file.rows);
    }
    try {
      return digest_fault(path_of(file), file);
    } catch (const Error& error) {
      return error.what();
    }
  }

  // The table of documents: as the card says, and of the rows that the heads have.
  void check_documents() {
    const fs::path path = folder_ / kDocumentTable;
    const std::optional<DocumentTable>& table = check_.info.documents;
    std::error_code error;
    if (facts_.documents) {
      ++check_.num_digests;
      if (!fs::exists(path, error)) return;  // the reader has said so
      if (const std::string fault = document_file_fault(path, *facts_.documents); !fault.empty()) {
        problem(path, fault);
      }
    } else if (table && is_ours_ && check_.info.has_card) {
      problem(path, "is not in the card");
    }
    if (!table) return;
    int64_t said = 0;
    for (const DocumentRow& row : *table) said += row.rows;
    int64_t found = 0;
    for (const HeadInfo& head : check_.info.heads) found += head.rows;
    if (said != found) {
      problem(path, fmt::format("says {} rows in all, the heads have {}", said, found));
    }
  }

  static std::string document_file_fault(const fs::path& path, const FileSummary& said) {
    try {
      const auto bytes = static_cast<int64_t>(fs::file_size(path));
      if (bytes != said.bytes) {
        return fmt::format("has {} bytes, the card says {}", bytes, said.bytes);
      }
      return digest_fault(path, said);
    } catch (const std::exception& error) {
      return printable(error.what(), 300);
    }
  }

  static std::string digest_fault(const fs::path& path, const FileSummary& said) {
    const std::string digest = sha256_file(path);
    if (digest == said.sha256) return "";
    return fmt::format("has the SHA-256 {}, the card says {}", digest, printable(said.sha256));
  }

  void check_counts() {
    int64_t rows = 0;
    std::map<int64_t, int64_t> buckets;
    for (const HeadInfo& head : check_.info.heads) {
      rows += head.rows;
      for (const auto& [bucket, count] : head.bucket_counts) buckets[bucket] += count;
    }
    const fs::path card = folder_ / "README.md";
    check_.counts_known =
        facts_.captured_rows || !facts_.bucket_counts.empty() || !state_counts_.empty();
    if (facts_.captured_rows && *facts_.captured_rows != rows) {
      problem(card, fmt::format("says {} rows, the files have {}", *facts_.captured_rows, rows));
    }
    const int64_t configs = std::ssize(check_.info.heads);
    if (facts_.captured_configs && *facts_.captured_configs != configs) {
      problem(card, fmt::format("says {} heads, there are {}", *facts_.captured_configs, configs));
    }
    check_buckets(card, {facts_.bucket_counts.begin(), facts_.bucket_counts.end()}, buckets);
    check_buckets(folder_ / "_saver_state.json", state_counts_, buckets);
  }

  // What a file says of the rows in each bucket, if it says anything.
  void check_buckets(const fs::path& file, const std::map<int64_t, int64_t>& said,
                     std::map<int64_t, int64_t> found) {
    if (said.empty()) return;
    for (const auto& [bucket, count] : said) found.try_emplace(bucket, 0);
    for (const auto& [bucket, count] : found) {
      const auto it = said.find(bucket);
      const int64_t claimed = it == said.end() ? 0 : it->second;
      if (claimed == count) continue;
      problem(file,
              fmt::format("says {} rows in bucket {}, the files have {}", claimed, bucket, count));
    }
  }

  fs::path folder_;
  ThreadPool& pool_;
  const std::atomic<bool>* stop_;
  CardFacts facts_;
  std::map<int64_t, int64_t> state_counts_;  // of the original's state file
  DatasetCheck check_;
  bool is_ours_ = false;
};

}  // namespace

DatasetCheck check_dataset(const fs::path& folder, ThreadPool& pool,
                           const std::atomic<bool>* stop) {
  return Checker(folder, pool, stop).run();
}

}  // namespace qk
