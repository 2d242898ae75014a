#include "page/report_page.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/json_value.h"
#include "page/page_commands.h"
#include "page/page_comparison.h"
#include "page/page_size.h"
#include "page/page_template.h"
#include "page/public_record.h"

namespace qk {
namespace {

constexpr int64_t kTemplateTags = 100;  // bytes at most, of both templates

using nlohmann::json;
using nlohmann::ordered_json;

std::vector<std::string> names_of(std::span<const std::filesystem::path> paths,
                                  const ReportOptions& options) {
  if (!options.names.empty()) {
    QK_CHECK(options.names.size() == paths.size());
    return options.names;
  }
  std::vector<std::string> out;
  for (const auto& path : paths) out.push_back(default_name(path));
  if (out.size() == 2 && out[0] == out[1]) {
    out[0] += " A";
    out[1] += " B";
  }
  return out;
}

ordered_json analysis_json(const PageAnalysis& analysis) {
  ordered_json out = {{"name", analysis.name},           {"record", analysis.record},
                      {"methods", analysis.methods},     {"metrics", analysis.metrics},
                      {"facts", analysis.summary.facts}, {"warnings", analysis.summary.warnings}};
  out["files"] = ordered_json::array();
  for (const PageFile& file : analysis.files) {
    out["files"].push_back({{"name", file.name},
                            {"bytes", file.bytes},
                            {"sha256", file.sha256},
                            {"table", file.table}});
  }
  out["missing"] = ordered_json::array();
  for (const MissingTable& table : analysis.missing) {
    out["missing"].push_back({{"file", table.file}, {"command", table.command}});
  }
  out["commands"] = page_commands(out["record"], analysis.name, analysis.files);
  if (!analysis.documents.empty()) out["documents"] = analysis.documents;
  return out;
}

// The model of the analysis, or its name.
std::string model_of(const PageAnalysis& analysis) {
  const json model =
      analysis.found.record ? value_at(*analysis.found.record, {"dataset", "model"}) : json();
  const std::string name = model.is_string() ? public_name(model.get<std::string>()) : "";
  return name.empty() ? analysis.name : name;
}

std::string title_of(const std::vector<PageAnalysis>& analyses, const std::string& subject) {
  if (analyses.size() == 1) return model_of(analyses[0]);
  return fmt::format("{} and {}{}", analyses[0].name, analyses[1].name,
                     subject.empty() ? "" : ", other " + subject);
}

void add_choice(const PageAnalysis& analysis, std::vector<std::string>& notes) {
  if (analysis.heads.size() == analysis.all_heads.size()) return;
  notes.push_back(fmt::format(
      "{} of the {} heads of {} are shown (--heads). Means over heads, and how many heads "
      "changed, are of all of them.",
      analysis.heads.size(), analysis.all_heads.size(), analysis.name));
}

std::string in_template(std::string_view id, std::string_view base64) {
  return fmt::format("<template id=\"{}\">{}</template>", id, base64);
}

// The blank page with the data in it.
std::string filled(std::string_view blank, const PackedData& data) {
  const size_t place = blank.find(kDataPlace);
  QK_CHECK(place != std::string_view::npos &&
           blank.find(kDataPlace, place + 1) == std::string_view::npos);
  std::string out(blank.substr(0, place));
  out += in_template("data", data.tables);
  if (!data.points.empty()) out += "\n" + in_template("points", data.points);
  out += blank.substr(place + kDataPlace.size());
  return out;
}

ordered_json directory_of(const std::vector<PageAnalysis>& analyses, const ReportOptions& options,
                          const std::string& title) {
  ordered_json out = {{"format", 1}, {"program", options.program}, {"title", title}};
  out["analyses"] = ordered_json::array();
  for (const PageAnalysis& analysis : analyses) out["analyses"].push_back(analysis_json(analysis));
  out["comparison"] = nullptr;  // keep their places
  out["notes"] = nullptr;
  return out;
}

void take_tables(PageAnalysis& analysis, size_t number, PageData& out) {
  for (auto& [name, table] : analysis.tables) {
    out.tables.emplace_back(fmt::format("{}/{}", number, name), std::move(table));
  }
  for (auto& [name, table] : analysis.points) {
    out.points.emplace_back(fmt::format("{}/{}", number, name), std::move(table));
  }
  out.notes.insert(out.notes.end(), analysis.notes.begin(), analysis.notes.end());
  add_choice(analysis, out.notes);
}

}  // namespace

ReportPage make_report_page(std::span<const std::filesystem::path> paths,
                            const ReportOptions& options, std::string_view blank) {
  QK_CHECK(paths.size() == 1 || paths.size() == 2);
  const std::vector<std::string> names = names_of(paths, options);
  PageWishes wishes = options.wishes;
  wishes.of_one = paths.size() == 1;
  std::vector<PageAnalysis> analyses;
  PageData data;
  ReportPage out;
  for (size_t i = 0; i < paths.size(); ++i) {
    analyses.push_back(read_page_analysis(paths[i], names[i], wishes));
    out.num_heads += std::ssize(analyses[i].heads);
    take_tables(analyses[i], i, data);
  }
  if (options.most_points > 0) thin_points(data.points, options.most_points);
  PageComparison compared;
  if (analyses.size() == 2) {
    compared = compare_for_page(analyses[0], analyses[1], options.wishes);
    if (compared.table) data.tables.emplace_back("compare", *std::move(compared.table));
    data.notes.insert(data.notes.end(), compared.notes.begin(), compared.notes.end());
  }
  const std::string title =
      options.title.empty() ? title_of(analyses, compared.subject) : options.title;
  data.directory = directory_of(analyses, options, title);
  data.directory["comparison"] = std::move(compared.directory);
  PackedData packed =
      pack_within(std::move(data), options.max_bytes, std::ssize(blank) + kTemplateTags);
  out.html = filled(blank, packed);
  out.notes = std::move(packed.notes);
  return out;
}

}  // namespace qk
