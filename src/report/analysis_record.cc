#include "report/analysis_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "analysis/method_list.h"
#include "base/atomic_file.h"
#include "base/error.h"

namespace qk {
namespace {

using nlohmann::ordered_json;

ordered_json or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

// A number, or null where the dataset decides.
ordered_json or_null(const std::optional<double>& number) {
  return number ? ordered_json(*number) : ordered_json(nullptr);
}

void add_method(const AnalysisConfig& config, ordered_json& out) {
  const MethodOptions& options = config.measure.method_options;
  out["method"] = config.measure.methods.front();
  out["methods"] = config.measure.methods;
  if (has_method(config.measure, "linear")) {
    out["covariance"] = config.measure.covariance == Covariance::kFull ? "full" : "diagonal";
  }
  if (has_method(config.measure, "counted")) {
    const bool asks_all = config.measure.counted_queries == CountedQueries::kAll;
    out["queries"] = asks_all ? "all" : "same_document";
  }
  const bool is_online = has_method(config.measure, "online");
  if (is_online || has_method(config.measure, "bucket")) out["min_queries"] = options.min_queries;
  if (!is_online) return;
  out["online_alpha"] = or_null(options.online_alpha);
  out["online_half_life"] = or_null(options.online_half_life);
  const bool by_position = options.online_clock == OnlineClock::kPosition;
  out["online_clock"] = by_position ? "position" : "observation";
  out["online_start"] = options.online_start == ForgettingStart::kFirst ? "first" : "zero";
  out["online_times"] = options.online_times;
  out["online_reach"] = options.online_reach;
  out["online_reach_unit"] = options.online_reach_unit == ReachUnit::kKeys ? "keys" : "tokens";
}

const char* interval_name(const ErrorBarOptions& options) {
  if (options.kind == ErrorBars::kJackknife) return "t";
  switch (options.interval) {
    case IntervalKind::kT:
      return "t";
    case IntervalKind::kPercentile:
      return "percentile";
    case IntervalKind::kBiasCorrected:
      return "bias-corrected";
  }
  return "";
}

void add_error_bars(const ErrorBarOptions& options, ordered_json& out) {
  const bool is_bootstrap = options.kind == ErrorBars::kBootstrap;
  out["error_bars"] = !options.wanted() ? "none" : is_bootstrap ? "bootstrap" : "jackknife";
  out["bootstrap"] = nullptr;
  if (is_bootstrap) out["bootstrap"] = options.replicates;
  out["confidence"] = nullptr;
  out["interval"] = nullptr;
  if (!options.wanted()) return;
  out["confidence"] = options.confidence;
  out["interval"] = interval_name(options);
}

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

// File names of the tables that this run writes.
ordered_json tables_json(const AnalysisConfig& config) {
  ordered_json out = ordered_json::object();
  for (const OutputTable& table : output_tables()) {
    if (is_written(table, config)) out[table.record] = file_name(config.*table.path);
  }
  return out;
}

// Null: not known.
ordered_json buckets_json(const std::optional<BucketRanges>& ranges) {
  if (!ranges) return nullptr;
  if (ranges->is_log()) return {{"type", "log"}};
  if (const auto width = ranges->width()) return {{"type", "uniform"}, {"width", *width}};
  return nullptr;
}

// The value of a JSON text; null if it is empty.
ordered_json parsed_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json::parse(text);
}

ordered_json id_json(const ExampleId& id) {
  return id.is_large ? ordered_json(static_cast<uint64_t>(id.bits)) : ordered_json(id.bits);
}

// What was read of the dataset.
void add_rows(const RowChoice& rows, ordered_json& out) {
  out["vector"] = rows.vector ? ordered_json(name_of(*rows.vector)) : ordered_json(nullptr);
  out["vector_column"] = rows.options.vector_column;
  const auto width = rows.options.bucket_width;
  out["bucket_width"] = width ? ordered_json(*width) : ordered_json(nullptr);
  out["documents"] = nullptr;  // all
  if (rows.documents.empty()) return;
  out["documents"] = ordered_json::array();
  for (const ChosenDocument& document : rows.documents) {
    out["documents"].push_back({{"example_id", id_json(document.id)}, {"document", document.name}});
  }
}

constexpr size_t kLargestRecord = size_t{64} << 20;

// Whether a file has the name of a record: <table>.json beside that table.
bool is_named_as_record(const std::filesystem::path& file) {
  std::error_code error;
  return file.extension() == ".json" &&
         std::filesystem::exists(file.parent_path() / file.stem(), error);
}

// The buckets that a record gives for the table of this name, if it is a record and names it.
std::optional<BucketScale> buckets_in(const std::filesystem::path& record,
                                      const std::string& table) {
  try {
    const auto json = nlohmann::json::parse(read_file(record, kLargestRecord));
    if (json.at("program") != "qkscope" || json.at("tables").at("buckets") != table) return {};
    const auto& buckets = json.at("buckets");
    BucketScale out;
    if (buckets.at("type") == "log") {
      out.type = BucketType::kLog;
      return out;
    }
    out.type = BucketType::kUniform;
    out.min_size = buckets.at("width").get<double>();
    if (!(out.min_size >= 1)) return {};
    return out;
  } catch (const nlohmann::json::exception&) {  // another kind of file
    return {};
  } catch (const Error&) {
    return {};
  }
}

ordered_json failures_json(const AnalysisReport& report) {
  ordered_json out = ordered_json::array();
  for (const HeadFailure& failure : report.failures) {
    out.push_back({{"layer", failure.head.layer},
                   {"q_head", failure.head.q_head},
                   {"k_head", failure.head.k_head},
                   {"reason", failure.reason}});
  }
  return out;
}

}  // namespace

std::string analysis_record(const ProgramName& program, const AnalysisConfig& config,
                            const HeadCatalog& catalog, const AnalysisReport& report,
                            std::span<const std::pair<std::string, int64_t>> row_counts) {
  ordered_json out = {
      {"program", "qkscope"}, {"version", program.version}, {"commit", or_null(program.commit)}};
  add_method(config, out);
  add_error_bars(config.measure.error_bars, out);
  out["compat"] =
      config.measure.compat_reference ? ordered_json("reference") : ordered_json(nullptr);
  out["seed"] = config.measure.seed;
  out["max_tokens_per_head"] = config.max_tokens_per_head;
  out["normality_max_dims"] = config.measure.normality_max_dims;
  out["p_alpha"] = config.measure.p_alpha;
  out["num_pairs_per_bucket"] = config.measure.num_pairs_per_bucket;
  out["profile_points"] = nullptr;
  if (config.measure.profile_points) out["profile_points"] = *config.measure.profile_points;
  out["configured"] = ordered_json::parse(config.given_json);
  out["dataset"] = {
      {"folder", catalog.folder.string()},        {"model", or_null(catalog.model)},
      {"corpus", parsed_or_null(catalog.corpus)}, {"capture", parsed_or_null(catalog.capture)},
      {"num_layers", catalog.num_layers},         {"num_q_heads", catalog.num_q_heads},
      {"num_k_heads", catalog.num_k_heads}};
  if (catalog.origin) {
    out["dataset"]["repo"] = catalog.origin->repo;
    out["dataset"]["revision"] = catalog.origin->revision;
    out["dataset"]["commit"] = catalog.origin->commit;
  }
  add_rows(catalog.rows, out);
  const bool ranges_hold = report.num_contradicting_ranges == 0;
  out["buckets"] = ranges_hold ? buckets_json(catalog.ranges) : ordered_json(nullptr);
  out["tables"] = tables_json(config);
  out["rows"] = ordered_json::object();
  for (const auto& [table, count] : row_counts) out["rows"][table] = count;
  out["heads"] = {{"measured", report.num_heads},
                  {"not_captured", catalog.num_not_captured},
                  {"without_keys", std::ssize(catalog.without_keys)},
                  {"failed", failures_json(report)}};
  return out.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::vector<BucketScale> recorded_buckets(const std::filesystem::path& bucket_csv) {
  const std::filesystem::path folder =
      bucket_csv.has_parent_path() ? bucket_csv.parent_path() : std::filesystem::path(".");
  std::vector<BucketScale> out;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (!is_named_as_record(it->path())) continue;
    const auto buckets = buckets_in(it->path(), bucket_csv.filename().string());
    if (!buckets) continue;
    const auto is_equal = [&](const BucketScale& other) {
      return other.type == buckets->type && other.min_size == buckets->min_size;
    };
    if (std::none_of(out.begin(), out.end(), is_equal)) out.push_back(*buckets);
  }
  return out;
}

}  // namespace qk
