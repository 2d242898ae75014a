#include "analysis/analyze_group.h"

#include <algorithm>
#include <exception>
#include <optional>

#include "base/error.h"
#include "dataset/footer_agreement.h"
#include "dataset/head_rows.h"
#include "dataset/schema.h"
#include "heads/head_survey.h"
#include "heads/load_table.h"
#include "plasticity/head_intervals.h"
#include "plasticity/head_seeds.h"
#include "plasticity/measure_diagnostics.h"
#include "plasticity/measure_head.h"
#include "plasticity/measure_profile.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

// The files of a head and the name of its folder in messages.
struct HeadSource {
  std::string folder;
  HeadRowReader reader;
};

HeadSource open_head(const AnalysisConfig& config, const HeadCatalog& catalog,
                     const ConfigName& head) {
  const auto contradiction = catalog.contradictions.find(head);
  if (contradiction != catalog.contradictions.end()) fail("{}", contradiction->second);
  const fs::path folder = catalog.folder / config_name(head.layer, head.head, head.kind);
  HeadFolder listing = files_to_read(folder, config.measure.compat_reference);
  if (!listing.fault.empty()) fail("{}: {}", folder.string(), listing.fault);
  HeadSource out{folder.string(), HeadRowReader(std::move(listing.files), catalog.rows.options)};
  if (catalog.rows.options.documents != nullptr && out.reader.num_rows() == 0) {
    fail("{}: has no row of the given documents", out.folder);
  }
  return out;
}

ConfigName query_name(const HeadId& head) {
  return {static_cast<int>(head.layer), static_cast<int>(head.q_head), Kind::kQuery};
}

ConfigName key_name(const HeadGroup& group) {
  return {static_cast<int>(group.layer), static_cast<int>(group.k_head), Kind::kKey};
}

void check_geometry(const HeadSource& source, const ConfigName& head, int64_t head_dim) {
  const std::string fault = geometry_fault(source.reader.footer(), head, head_dim);
  if (!fault.empty()) fail("{}: {}", source.folder, fault);
}

// How many of the rows are kept.
int64_t kept_rows(const AnalysisConfig& config, int64_t rows) {
  return std::clamp<int64_t>(rows, 0, config.max_tokens_per_head);
}

// Memory of one group in progress: its keys, one head's queries and their columns, a decoder's
// buffers.
int64_t group_bytes(const AnalysisConfig& config, const HeadRowReader& keys) {
  constexpr int64_t kDecoderBytes = int64_t{48} << 20;
  constexpr int64_t kRowScratchBytes = 224;  // 16 columns of float64, projections, KS cells
  const int64_t rows = kept_rows(config, keys.num_rows());
  const int64_t dim = std::max<int64_t>(keys.footer_dim(), 1);
  const int64_t repeats = config.measure.compat_reference ? 0 : repeat_bytes(keys.num_rows());
  return repeats + kDecoderBytes + 2 * table_bytes(rows, dim) +
         table_bytes(rows, kRowScratchBytes / 4) + interval_bytes(config.measure, rows, dim) +
         diagnostic_bytes(config.measure, rows, dim) + profile_bytes(config.measure, rows, dim);
}

struct LoadedKeys {
  HeadTable table;
  std::vector<float> signs;
  std::optional<VectorMoments> moments;  // with profiles
};

LoadedKeys load_keys(const AnalysisConfig& config, const HeadGroup& group, HeadSource& source) {
  KeyOrientation orientation;
  LoadedKeys out;
  out.table = load_table(source.reader, source.folder,
                         {.max_rows = config.max_tokens_per_head,
                          .seed = key_rows_seed(config.measure, group.layer, group.k_head),
                          .compat_reference = config.measure.compat_reference,
                          .orientation = &orientation});
  check_geometry(source, key_name(group), out.table.head_dim);
  out.signs = orientation.signs();
  orient(out.table, out.signs);
  if (config.measure.profile_points) out.moments = vector_moments(out.table);
  return out;
}

MeasuredHead analyze_head(const AnalysisConfig& config, const HeadCatalog& catalog,
                          const HeadId& head, const LoadedKeys& keys, const KeyGroups& key_groups) {
  HeadSource source = open_head(config, catalog, query_name(head));
  HeadTable queries = load_table(source.reader, source.folder,
                                 {.max_rows = config.max_tokens_per_head,
                                  .seed = query_rows_seed(config.measure, head.layer, head.q_head),
                                  .compat_reference = config.measure.compat_reference});
  if (queries.head_dim != keys.table.head_dim) {
    fail("{}: vectors have {} numbers, those of {} have {}", source.folder, queries.head_dim,
         config_name(static_cast<int>(head.layer), static_cast<int>(head.k_head), Kind::kKey),
         keys.table.head_dim);
  }
  check_geometry(source, query_name(head), queries.head_dim);
  orient(queries, keys.signs);
  // A footer may be older than the rows and their buckets; the rows decide.
  const bool is_recorded =
      catalog.ranges && catalog.ranges->hold(queries) && catalog.ranges->hold(keys.table);
  const BucketRanges ranges =
      is_recorded ? *catalog.ranges : BucketRanges::observed(queries, keys.table);
  const std::optional<HeadRope> rope =
      catalog.rope.of(head.layer, queries.head_dim, catalog.rows.vector == VectorKind::kPostRope);
  return {.metrics = measure_head(config.measure, head, queries, keys.table, key_groups, ranges,
                                  rope ? &*rope : nullptr, keys.moments ? &*keys.moments : nullptr),
          .contradicts_ranges = catalog.ranges && !is_recorded};
}

// Runs the task. Returns the reason of its failure, or nothing.
template <typename Task>
std::optional<std::string> failure_of(Task task) {
  try {
    task();
    return {};
  } catch (const std::bad_alloc&) {
    return "needs more memory than is available";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace

std::vector<HeadResult> analyze_group(const AnalysisConfig& config, const HeadCatalog& catalog,
                                      const HeadGroup& group, MemoryGate& memory,
                                      const std::function<bool()>& stop,
                                      const std::function<void()>& head_done) {
  std::vector<HeadResult> out;
  std::optional<HeadSource> source;
  std::optional<MemoryGate::Hold> hold;
  LoadedKeys keys;
  std::optional<KeyGroups> key_groups;
  const auto keys_fault = failure_of([&] {
    source.emplace(open_head(config, catalog, key_name(group)));
    hold.emplace(memory, group_bytes(config, source->reader));
    keys = load_keys(config, group, *source);
    source.reset();
    key_groups.emplace(keys.table);
  });
  for (const int64_t q_head : group.q_heads) {
    if (stop()) break;
    const HeadId head{group.layer, q_head, group.k_head};
    auto fault = keys_fault;
    if (!fault) {
      fault = failure_of(
          [&] { out.emplace_back(analyze_head(config, catalog, head, keys, *key_groups)); });
    }
    if (fault) out.emplace_back(HeadFailure{head, *fault});
    head_done();
  }
  return out;
}

}  // namespace qk
