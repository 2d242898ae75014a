#include "page/page_analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <system_error>
#include <utility>

#include "analysis/analysis_config.h"
#include "base/error.h"
#include "base/json_value.h"
#include "base/path_text.h"
#include "base/thread_pool.h"
#include "dataset/dataset_reader.h"
#include "dataset/schema.h"
#include "page/decoded_table.h"
#include "page/derived_tables.h"
#include "page/latex_rows.h"
#include "page/page_commands.h"
#include "page/page_metrics.h"
#include "page/public_record.h"
#include "page/read_table.h"
#include "page/table_kinds.h"
#include "page/token_texts.h"
#include "report/record_file.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kProfilesFile = "head_profiles.parquet";

void add_lost_rows(const ReadTable& read, std::span<const HeadId> heads, PageAnalysis& out) {
  const size_t lost = heads.size() - read.num_heads;
  if (lost == 0) return;
  const std::string which =
      lost == heads.size() ? "the heads" : fmt::format("{} of the {} heads", lost, heads.size());
  out.notes.push_back(fmt::format("{} of {} has no rows of {}.", read.file.name, out.name, which));
}

// Refuses a capture of other documents or another model, as far as it and the analysis say which. Their
// rows may have the same places: ids are numbers of documents.
// `of_one`: not of two analyses, which may be of one corpus and two models.
void refuse_other_capture(const fs::path& dataset, const FoundResults& found, bool of_one) {
  const json provenance =
      json::parse(first_footer_value(dataset, std::string(kFooterProvenance)), nullptr, false);
  const auto compare = [&](const json& expected, const json& actual, std::string_view what) {
    if (!expected.is_string() || !actual.is_string() || expected == actual) return;
    fail("{}: expected the capture that was analysed, with {} {}, found {}", path_text(dataset),
         what, printable(expected.get<std::string>(), 100),
         printable(actual.get<std::string>(), 100));
  };
  if (!found.record || !provenance.is_object()) return;
  const json& record = *found.record;
  compare(value_at(record, {"dataset", "corpus", "sha256"}),
          value_at(provenance, {"corpus", "sha256"}), "the corpus of sha256");
  if (!of_one) return;
  compare(value_at(record, {"dataset", "model"}), value_at(provenance, {"model", "name"}),
          "the model");
}

// The dataset that was wished, or that of the record if it is still there; empty: none.
fs::path dataset_of(const FoundResults& found, const PageWishes& wishes) {
  const json folder = found.record ? value_at(*found.record, {"dataset", "folder"}) : json();
  fs::path path = folder.is_string() ? folder.get<std::string>() : "";
  if (wishes.dataset) path = *wishes.dataset;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    refuse_other_capture(path, found, wishes.of_one);
    return path;
  }
  if (wishes.dataset) {
    fail("--dataset: expected the folder of a capture, found {}", path_text(path));
  }
  return {};
}

void add_tokens(const PageWishes& wishes, std::span<const PointSet> sets, Table& rows,
                PageAnalysis& out) {
  const fs::path dataset = dataset_of(out.found, wishes);
  if (dataset.empty()) {
    fail(
        "--tokens: expected --dataset with the capture that was analysed, since {} names none that is "
        "there",
        path_text(out.found.csv));
  }
  const auto texts = token_texts(dataset, sets);
  if (!texts) {
    out.notes.push_back(
        fmt::format("The capture of {} holds no tokens, so none are shown: they are "
                    "captured with capture_token_strings: true.",
                    out.name));
    return;
  }
  size_t width = 0;
  for (const auto& list : *texts) width = std::max(width, list.size());
  if (width == 0) return;
  std::vector<std::string> all;
  for (const auto& list : *texts) {
    all.insert(all.end(), list.begin(), list.end());
    all.resize(all.size() + width - list.size(), list.empty() ? "" : list.front());
  }
  Column column = text_column(all);
  column.width = width;
  rows.columns.emplace_back("token", std::move(column));
  out.has_tokens = true;
}

// Names by documents.parquet, else by the record, which names those that were chosen; else ids.
std::vector<std::string> names_of_documents(const PageWishes& wishes, PageAnalysis& out,
                                            std::vector<std::string> ids) {
  const json chosen = out.found.record ? value_at(*out.found.record, {"documents"}) : json();
  const fs::path dataset = dataset_of(out.found, wishes);
  if (!dataset.empty()) ids = document_names(dataset, ids);
  if (dataset.empty() && !chosen.is_array()) {
    out.notes.push_back(fmt::format(
        "The capture of {} is not where it was, so its documents have ids in place of names.",
        out.name));
  }
  for (std::string& name : ids) {
    for (const json& one : chosen.is_array() ? chosen : json::array()) {
      const json known = value_at(one, {"document"});
      if (value_at(one, {"example_id"}).dump() == name && known.is_string()) {
        name = known.get<std::string>();
      }
    }
    name = public_name(name);
  }
  return ids;
}

// The profiles of the heads, if the analysis has written them.
void add_profiles(const PageWishes& wishes, PageAnalysis& out) {
  const fs::path path = find_table(out.found, kProfilesRecord, kProfilesFile);
  if (path.empty()) {
    out.missing.push_back(
        {std::string(kProfilesFile), missing_command(out.record, out.name, "--profiles")});
    if (wishes.tokens || wishes.ids) {
      out.notes.push_back(fmt::format("{} has no {}, so there are no points, and no {}.", out.name,
                                      kProfilesFile,
                                      wishes.tokens ? "tokens" : "names of documents"));
    }
    return;
  }
  const Profiles profiles = read_profiles(path);
  ProfileTables tables = profile_tables(path, profiles, out.all_heads, wishes.heads);
  if (wishes.tokens) add_tokens(wishes, tables.sets, tables.rows, out);
  if (wishes.ids) {
    out.documents = names_of_documents(wishes, out, tables.documents);
  }
  out.files.push_back(file_of(path, "profiles"));
  out.tables.emplace_back("profiles", std::move(tables.profiles));
  out.tables.emplace_back("normal", std::move(tables.normal));
  out.points.emplace_back("points", std::move(tables.points));
  out.points.emplace_back("rows", std::move(tables.rows));
}

void read_heads(const PageWishes& wishes, PageAnalysis& out) {
  out.all_heads = read_all_heads(out.found.csv);
  refuse_lost_heads(out.found, out.all_heads.size());
  wishes.heads.refuse_unknown({out.all_heads.begin(), out.all_heads.end()});
  std::ranges::copy_if(out.all_heads, std::back_inserter(out.heads),
                       [&](const HeadId& head) { return wishes.heads.has(head); });
}

// The paths of table_kinds(), empty where there is none.
std::vector<fs::path> find_tables(const FoundResults& found) {
  std::vector<fs::path> out;
  for (const TableKind& kind : table_kinds()) {
    out.push_back(find_table(found, kind.record, kind.file));
    if (out.back().empty() && kind.name == "components") {  // what the original tool calls it
      out.back() = find_table(found, kind.record, "head_component_information.csv");
    }
  }
  out.front() = found.csv;
  return out;
}

// What the page shows ready: metrics, words, and numbers that follow from the tables.
void derive(const PageWishes& wishes, PageAnalysis& out) {
  out.methods = page_methods(out.record, out.tables);
  out.metrics = join_metrics(out.tables, out.methods);
  unite_cells(out.tables, out.methods.front());
  add_drift(out.tables, out.methods.front());
  add_verdicts(out.tables);
  add_spectrum(out.tables);
  add_latex_rows(*table_named(out.tables, "heads"));
  out.summary = page_summary(out.record, out.methods, out.tables);
  if (out.has_tokens) {
    out.summary.warnings.emplace_back(
        "This page holds text of the corpus: tokens of the captured documents.");
  }
  if (wishes.ids) {
    out.summary.warnings.emplace_back("This page holds the names of the captured documents.");
  }
  constexpr std::array<std::string_view, 3> kJoined = {"intervals", "methods", "diagnostics"};
  std::erase_if(out.tables, [&](const auto& table) {
    return std::ranges::find(kJoined, table.first) != kJoined.end();
  });
}

}  // namespace

fs::path find_table(const FoundResults& found, const char* record, std::string_view file) {
  const fs::path folder = found.csv.parent_path();
  std::error_code error;
  if (found.record) {
    const std::string name = table_name(*found.record, record);
    const fs::path path = folder / fs::path(name).filename();
    return !name.empty() && fs::exists(path, error) ? path : fs::path();
  }
  for (const char* suffix : {"", ".gz", ".zst"}) {
    const fs::path path = folder / (std::string(file) + suffix);
    if (fs::exists(path, error)) return path;
  }
  return {};
}

std::string default_name(const fs::path& path) {
  std::error_code error;
  const fs::path folder = fs::is_directory(path, error) ? path : fs::path(path).parent_path();
  const fs::path whole = fs::canonical(folder.empty() ? "." : folder, error);
  const std::string name = error ? "" : whole.filename().string();
  return name.empty() ? "analysis" : name;
}

PageAnalysis read_page_analysis(const fs::path& path, const std::string& name,
                                const PageWishes& wishes) {
  PageAnalysis out;
  out.name = name;
  out.found = find_results(path);
  if (out.found.record) out.record = public_record(*out.found.record, wishes.ids);
  read_heads(wishes, out);
  const std::span<const TableKind> kinds = table_kinds();
  const std::vector<fs::path> paths = find_tables(out.found);
  for (size_t i = 0; i < kinds.size(); ++i) {  // of the others it is known which heads they lack
    if (kinds[i].is_per_head || paths[i].empty() || !out.found.record) continue;
    refuse_cut_table(paths[i], *out.found.record);
  }
  std::vector<std::optional<ReadTable>> read(kinds.size());
  ThreadPool threads;
  threads.parallel_for(std::ssize(kinds), [&](int64_t i, int) {
    const auto at = static_cast<size_t>(i);
    if (paths[at].empty()) return;
    read[at] = read_page_table(paths[at], kinds[at], out.all_heads, wishes.heads);
  });
  for (size_t i = 0; i < kinds.size(); ++i) {
    if (!read[i]) {
      out.missing.push_back(
          {std::string(kinds[i].file), missing_command(out.record, out.name, kinds[i].options)});
      continue;
    }
    if (kinds[i].is_per_head) add_lost_rows(*read[i], out.heads, out);
    out.files.push_back(std::move(read[i]->file));
    out.tables.emplace_back(kinds[i].name, std::move(read[i]->table));
  }
  add_profiles(wishes, out);
  derive(wishes, out);
  return out;
}

}  // namespace qk
