#include "heads/head_survey.h"

#include <fmt/format.h>

#include <algorithm>
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

// The footers of all files that can be opened.
std::vector<FileFooter> read_footers(const fs::path& folder, const std::vector<ConfigName>& heads,
                                     bool compat_reference, HeadSurvey& out) {
  std::vector<FileFooter> footers;
  for (const ConfigName& head : heads) {
    HeadFolder listing =
        files_to_read(folder / config_name(head.layer, head.head, head.kind), compat_reference);
    if (!listing.fault.empty()) continue;
    if (!listing.unread.empty()) out.unread[head] = std::move(listing.unread);
    for (const fs::path& file : listing.files) {
      if (auto footer = read_footer(file)) footers.push_back({head, file, std::move(*footer)});
    }
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
                        bool compat_reference) {
  HeadSurvey out;
  const std::vector<FileFooter> files = read_footers(folder, heads, compat_reference, out);
  std::vector<const Footer*> footers;
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
