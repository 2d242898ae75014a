#include "page/profile_tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <span>

#include "base/error.h"
#include "base/path_text.h"
#include "stats/document_interval.h"

namespace qk {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr int16_t kMostItem = std::numeric_limits<int16_t>::max();

using Heads = std::vector<const ProfiledHead*>;

struct PlaneName {
  const char* name;
  HeadPlane HeadProfile::* plane;
};
constexpr std::array<PlaneName, 3> kPlanes = {{{"beta", &HeadProfile::beta_plane},
                                               {"joint", &HeadProfile::joint_plane},
                                               {"rope", &HeadProfile::rope_plane}}};

Heads chosen_heads(const std::filesystem::path& path, const Profiles& profiles,
                   const std::set<HeadId>& heads, const HeadChoice& choice) {
  Heads out;
  std::set<HeadId> seen;
  for (const ProfiledHead& one : profiles.heads) {
    if (!heads.contains(one.head)) {
      fail("{}: expected a head of the table of the heads, found {}", path_text(path),
           head_name(one.head));
    }
    if (!seen.insert(one.head).second) {
      fail("{}: {} occurs twice", path_text(path), head_name(one.head));
    }
    if (choice.has(one.head)) out.push_back(&one);
  }
  return out;
}

template <typename Value>
std::vector<double> each(const Heads& heads, const Value& value) {
  std::vector<double> out;
  for (const ProfiledHead* head : heads) out.push_back(static_cast<double>(value(*head)));
  return out;
}

void add_head_columns(const Heads& heads, Table& out) {
  out.num_rows = heads.size();
  const auto add = [&](const char* name, int64_t HeadId::* member) {
    const auto values = each(heads, [&](const ProfiledHead& head) { return head.head.*member; });
    out.columns.emplace_back(name, number_column(values));
  };
  add("layer", &HeadId::layer);
  add("q_head", &HeadId::q_head);
  add("k_head", &HeadId::k_head);
}

// Lists of any length as rows of the longest, filled with `padding`.
template <typename List>
std::vector<double> padded(std::span<const List* const> lists, size_t width,
                           const std::function<double(const List&)>& padding) {
  std::vector<double> out;
  out.reserve(lists.size() * width);
  for (const List* list : lists) {
    for (const auto& value : *list) out.push_back(static_cast<double>(value));
    out.resize(out.size() + width - list->size(), padding(*list));
  }
  return out;
}

template <typename List>
size_t longest(std::span<const List* const> lists) {
  size_t out = 0;
  for (const List* list : lists) out = std::max(out, list->size());
  return out;
}

template <typename List>
void add_lists(const char* name, const Heads& heads, List HeadProfile::* member, Table& out) {
  std::vector<const List*> lists;
  for (const ProfiledHead* head : heads) lists.push_back(&(head->profile.*member));
  const size_t width = longest<List>(lists);
  if (width == 0) return;
  Column column = float_column(padded<List>(lists, width, [](const List&) { return kNothing; }));
  column.width = width;
  out.columns.emplace_back(name, std::move(column));
}

Table profile_table(const Heads& heads) {
  Table out;
  add_head_columns(heads, out);
  add_lists("residual_quantiles", heads, &HeadProfile::residual_quantiles, out);
  add_lists("noise_component", heads, &HeadProfile::noise_components, out);
  add_lists("noise_ks_distance", heads, &HeadProfile::noise_ks_distances, out);
  add_lists("beta", heads, &HeadProfile::beta, out);
  add_lists("eigenvalues", heads, &HeadProfile::eigenvalues, out);
  const auto add = [&](const std::string& name, const auto& value) {
    out.columns.emplace_back(name, float_column(each(heads, value)));
  };
  add("ks_distance", [](const ProfiledHead& head) { return head.profile.ks_distance; });
  for (const PlaneName& plane : kPlanes) {
    add(std::string("plane_share_") + plane.name,
        [&](const ProfiledHead& head) { return (head.profile.*plane.plane).share; });
  }
  out.columns.emplace_back("rope_pair", number_column(each(heads, [](const ProfiledHead& head) {
                             const auto& pair = head.profile.rope_pair;
                             return pair ? static_cast<double>(*pair) : kNothing;
                           })));
  return out;
}

// What the residual quantiles would be if the residuals were normal.
Table normal_table() {
  std::vector<double> levels;
  std::vector<double> quantiles;
  for (int64_t i = 0; i < kProfileQuantiles; ++i) {
    levels.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(kProfileQuantiles));
    quantiles.push_back(normal_quantile(levels.back()));
  }
  Table out;
  out.num_rows = levels.size();
  out.columns.emplace_back("level", float_column(levels));
  out.columns.emplace_back("normal", float_column(quantiles));
  return out;
}

// The rows of the points, each once, and which of them a head's queries or keys are.
class PointSets {
 public:
  size_t number_of(const ProfiledHead& head, char kind) {
    const auto& rows = kind == 'q' ? head.profile.query_rows : head.profile.key_rows;
    for (size_t i = 0; i < sets_.size(); ++i) {
      const PointSet& set = sets_[i];
      if (set.layer == head.head.layer && set.kind == kind && *set.rows == *rows) return i;
    }
    sets_.push_back(
        {.layer = head.head.layer, .kind = kind, .head = head.head, .rows = rows.get()});
    return sets_.size() - 1;
  }
  const std::vector<PointSet>& all() const { return sets_; }

 private:
  std::vector<PointSet> sets_;
};

// Running numbers of the documents, ascending by id.
std::map<std::string, size_t> document_numbers(const std::vector<PointSet>& sets) {
  std::set<std::pair<size_t, std::string>> ids;  // longer numbers are larger
  for (const PointSet& set : sets) {
    for (const int64_t id : set.rows->example_ids) {
      const std::string text = id_text(*set.rows, id);
      ids.emplace(text.size(), text);
    }
  }
  std::map<std::string, size_t> out;
  for (const auto& id : ids) out.emplace(id.second, out.size());
  return out;
}

std::vector<int64_t> documents_of(const PointRows& rows,
                                  const std::map<std::string, size_t>& numbers) {
  std::vector<int64_t> out;
  out.reserve(rows.example_ids.size());
  for (const int64_t id : rows.example_ids) {
    out.push_back(static_cast<int64_t>(numbers.at(id_text(rows, id))));
  }
  return out;
}

double first_or_nothing(const std::vector<int64_t>& list) {
  return list.empty() ? kNothing : static_cast<double>(list.front());
}

void add_items(const char* name, const std::vector<std::vector<int64_t>>& lists, Table& out) {
  std::vector<const std::vector<int64_t>*> pointers;
  pointers.reserve(lists.size());
  for (const auto& list : lists) pointers.push_back(&list);
  const size_t width = longest<std::vector<int64_t>>(pointers);
  if (width == 0) return;
  Column column = number_column(padded<std::vector<int64_t>>(pointers, width, first_or_nothing));
  column.width = width;
  out.columns.emplace_back(name, std::move(column));
}

Table rows_table(const std::vector<PointSet>& sets, const std::map<std::string, size_t>& numbers) {
  Table out;
  out.num_rows = sets.size();
  std::vector<double> layers;
  std::vector<double> groups;
  std::vector<double> counts;
  std::vector<std::string> kinds;
  std::vector<std::vector<int64_t>> positions;
  std::vector<std::vector<int64_t>> buckets;
  std::vector<std::vector<int64_t>> documents;
  for (const PointSet& set : sets) {
    layers.push_back(static_cast<double>(set.layer));
    groups.push_back(static_cast<double>(set.head.k_head));
    counts.push_back(static_cast<double>(set.rows->positions.size()));
    kinds.emplace_back(1, set.kind);
    positions.push_back(set.rows->positions);
    buckets.push_back(set.rows->buckets);
    documents.push_back(documents_of(*set.rows, numbers));
  }
  out.columns.emplace_back("layer", number_column(layers));
  out.columns.emplace_back("kind", text_column(kinds));
  out.columns.emplace_back("group", number_column(groups));
  out.columns.emplace_back("count", number_column(counts));
  add_items("position", positions, out);
  add_items("bucket", buckets, out);
  add_items("document", documents, out);
  return out;
}

// What an item of the plane stands for; NaN: there is no such plane.
double scale_of(const std::filesystem::path& path, const ProfiledHead& head,
                const HeadPlane& plane) {
  if (plane.queries.empty() && plane.keys.empty()) return kNothing;
  double most = 0;
  for (const auto* numbers : {&plane.queries, &plane.keys}) {
    for (const float number : *numbers) {
      if (!std::isfinite(number)) {
        fail("{}: {}: expected finite numbers of points, found {}", path_text(path),
             head_name(head.head), number);
      }
      most = std::max(most, static_cast<double>(std::abs(number)));
    }
  }
  return most > 0 ? most / kMostItem : 1;
}

// x and y of `width` points, the first one again where there are fewer; -1 if there is no such plane.
void append_points(const std::vector<float>& numbers, double scale, size_t width,
                   std::vector<int16_t>& out) {
  for (size_t i = 0; i < 2 * width; ++i) {
    if (numbers.empty()) {
      out.push_back(-1);
      continue;
    }
    const double number = numbers[i < numbers.size() ? i : i % 2];
    out.push_back(static_cast<int16_t>(std::lround(number / scale)));
  }
}

struct Widths {
  size_t queries = 0;  // most points of a head
  size_t keys = 0;
};

void add_plane(const std::filesystem::path& path, const Heads& heads, const PlaneName& name,
               const Widths& widths, Table& out) {
  std::vector<double> scales;
  std::vector<int16_t> queries;
  std::vector<int16_t> keys;
  for (const ProfiledHead* head : heads) {
    const HeadPlane& plane = head->profile.*name.plane;
    scales.push_back(scale_of(path, *head, plane));
    append_points(plane.queries, scales.back(), widths.queries, queries);
    append_points(plane.keys, scales.back(), widths.keys, keys);
  }
  const std::string suffix = std::string("_") + name.name;
  const auto add = [&](const char* kind, size_t width, const std::vector<int16_t>& items) {
    if (width == 0) return;
    out.columns.emplace_back(kind + suffix, item_column<int16_t>(ItemType::kI16, 2 * width, items));
  };
  add("q", widths.queries, queries);
  add("k", widths.keys, keys);
  out.columns.emplace_back("scale" + suffix, float_column(scales));
}

}  // namespace

std::string id_text(const PointRows& rows, int64_t id) {
  constexpr uint64_t kLargeBit = uint64_t{1} << 63;
  return rows.has_large_ids ? std::to_string(static_cast<uint64_t>(id) ^ kLargeBit)
                            : std::to_string(id);
}

ProfileTables profile_tables(const std::filesystem::path& path, const Profiles& profiles,
                             const std::set<HeadId>& heads, const HeadChoice& choice) {
  const Heads chosen = chosen_heads(path, profiles, heads, choice);
  ProfileTables out;
  out.profiles = profile_table(chosen);
  out.normal = normal_table();
  PointSets sets;
  std::vector<double> query_sets;
  std::vector<double> key_sets;
  Widths widths;
  for (const ProfiledHead* head : chosen) {
    query_sets.push_back(static_cast<double>(sets.number_of(*head, 'q')));
    key_sets.push_back(static_cast<double>(sets.number_of(*head, 'k')));
    widths.queries = std::max(widths.queries, head->profile.query_rows->positions.size());
    widths.keys = std::max(widths.keys, head->profile.key_rows->positions.size());
  }
  out.sets = sets.all();
  const std::map<std::string, size_t> numbers = document_numbers(out.sets);
  out.documents.resize(numbers.size());
  for (const auto& [id, number] : numbers) out.documents[number] = id;
  add_head_columns(chosen, out.points);
  out.points.columns.emplace_back("q_rows", number_column(query_sets));
  out.points.columns.emplace_back("k_rows", number_column(key_sets));
  for (const PlaneName& plane : kPlanes) add_plane(path, chosen, plane, widths, out.points);
  out.rows = rows_table(out.sets, numbers);
  return out;
}

}  // namespace qk
