#include "heads/head_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include "dataset/footer_agreement.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

struct FileFooter {
  ConfigName head;
  fs::path file;
  Footer footer;
};

struct ListedHead {
  std::vector<DatasetProblem> unread;
  std::vector<FileFooter> footers;  // of the files that can be opened
  bool has_pre_rope = false;
};

ListedHead list_head(const fs::path& folder, const ConfigName& head, bool compat_reference) {
  ListedHead out;
  HeadFolder listing =
      files_to_read(folder / config_name(head.layer, head.head, head.kind), compat_reference);
  if (!listing.fault.empty()) return out;
  out.unread = std::move(listing.unread);
  for (const fs::path& file : listing.files) {
    auto heading = read_heading(file);
    if (!heading) continue;
    const auto& columns = heading->columns;
    out.has_pre_rope =
        out.has_pre_rope || std::ranges::find(columns, kPreRopeColumn) != columns.end();
    out.footers.push_back({head, file, std::move(heading->footer)});
  }
  return out;
}

// The footers of all files, in the order of the heads.
std::vector<FileFooter> read_footers(const fs::path& folder, const std::vector<ConfigName>& heads,
                                     bool compat_reference, ThreadPool& pool, HeadSurvey& out) {
  std::vector<ListedHead> listed(heads.size());
  pool.parallel_for(std::ssize(heads), [&](int64_t index, int) {
    const auto i = static_cast<size_t>(index);
    listed[i] = list_head(folder, heads[i], compat_reference);
  });
  std::vector<FileFooter> footers;
  for (size_t i = 0; i < heads.size(); ++i) {
    if (!listed[i].unread.empty()) out.unread[heads[i]] = std::move(listed[i].unread);
    out.has_pre_rope = out.has_pre_rope || listed[i].has_pre_rope;
    std::ranges::move(listed[i].footers, std::back_inserter(footers));
  }
  return footers;
}

}  // namespace

HeadFolder files_to_read(const fs::path& folder, bool compat_reference) {
  HeadFolder out = list_head_folder(folder);
  const fs::path original = folder / "data.parquet";
  const bool is_there = std::ranges::find(out.files, original) != out.files.end();
  if (!compat_reference || !is_there) return out;
  for (const fs::path& file : out.files) {
    if (file == original) continue;
    out.unread.push_back({file, "is not read: with compat: reference only data.parquet is"});
  }
  out.files = {original};
  return out;
}

HeadSurvey survey_heads(const fs::path& folder, const std::vector<ConfigName>& heads,
                        bool compat_reference, ThreadPool& pool) {
  HeadSurvey out;
  const std::vector<FileFooter> files = read_footers(folder, heads, compat_reference, pool, out);
  std::vector<const Footer*> footers;
  footers.reserve(files.size());
  for (const FileFooter& file : files) footers.push_back(&file.footer);
  const std::optional<size_t> common = most_common_footer(footers);
  if (!common) return out;
  const FileFooter& model = files[*common];
  out.record = parse_record(model.footer);
  for (const FileFooter& file : files) {
    if (!is_recorded(file.footer)) out.unrecorded.insert(file.head);
    const auto sentence = [&](const FooterDifference& found) {
      return fmt::format("{}: {}", file.file.string(),
                         contradiction_text(found, model.file.string()));
    };
    if (const auto found = footer_difference(file.footer, model.footer)) {
      out.contradictions.try_emplace(file.head, sentence(*found));
    } else if (const auto name = model_name_difference(file.footer, model.footer)) {
      out.renamed.try_emplace(file.head, sentence(*name));
    }
  }
  return out;
}

}  // namespace qk
