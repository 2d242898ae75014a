#include "report/profile_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/test_folder.h"

namespace qk::profile_table_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

HeadPlane plane(float first, size_t points) {
  HeadPlane out;
  for (size_t i = 0; i < 2 * points; ++i) out.queries.push_back(first + static_cast<float>(i));
  for (size_t i = 0; i < 4; ++i) out.keys.push_back(-first - static_cast<float>(i));
  out.share = 0.1 * first;
  return out;
}

HeadMetrics head(int64_t layer, int64_t q_head, size_t points, bool has_ids = true) {
  HeadMetrics out;
  out.layer = layer;
  out.q_head = q_head;
  out.k_head = q_head / 2;
  HeadProfile& profile = out.profile.emplace();
  profile.beta = {0.5, -0.25, static_cast<double>(q_head)};
  for (int i = 0; i < 129; ++i) profile.residual_quantiles.push_back(0.125 * i - 8);
  profile.ks_distance = 0.1;
  profile.noise_components = {1, 2};
  profile.noise_ks_distances = {0.25, kNotANumber};
  profile.eigenvalues = {0.5, 0.375, 0.125};
  profile.beta_plane = plane(1, points);
  profile.joint_plane = plane(2, points);
  if (q_head > 0) {
    profile.rope_plane = plane(3, points);
    profile.rope_pair = 7;
  }
  PointRows rows;
  for (size_t i = 0; i < points; ++i) {
    rows.positions.push_back((int64_t{1} << 53) - static_cast<int64_t>(i) - layer);
    rows.buckets.push_back(-1 - static_cast<int64_t>(i));
    if (has_ids) rows.example_ids.push_back(std::numeric_limits<int64_t>::min() + 3);
  }
  rows.has_large_ids = has_ids;
  profile.query_rows = std::make_shared<const PointRows>(rows);
  profile.key_rows = std::make_shared<const PointRows>(PointRows{{5, 6}, {0, 0}, {1, 1}, false});
  return out;
}

std::vector<HeadMetrics> heads() { return {head(0, 0, 3), head(0, 3, 3), head(1, 0, 2, false)}; }

fs::path write(const fs::path& path) {
  ProfileTable table(path, 3, 11);
  for (const HeadMetrics& one : heads()) table.add(one);
  table.flush();
  EXPECT_FALSE(fs::exists(path));
  table.finish();
  return path;
}

// NaN are alike.
bool equal_numbers(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

void expect_equal(const HeadPlane& a, const HeadPlane& b) {
  EXPECT_EQ(a.queries, b.queries);
  EXPECT_EQ(a.keys, b.keys);
  EXPECT_TRUE(equal_numbers({a.share}, {b.share}));
}

TEST(ProfileTable, ReadsWhatItWrote) {
  const TestFolder folder;
  const Profiles read = read_profiles(write(folder.path() / "new/p.parquet"));
  EXPECT_EQ(read.profile_points, 3);
  EXPECT_EQ(read.seed, 11);
  const std::vector<HeadMetrics> written = heads();
  ASSERT_EQ(read.heads.size(), written.size());
  for (size_t i = 0; i < written.size(); ++i) {
    const HeadProfile& a = read.heads[i].profile;
    const HeadProfile& b = *written[i].profile;
    EXPECT_EQ(read.heads[i].head, (HeadId{written[i].layer, written[i].q_head, written[i].k_head}));
    EXPECT_EQ(a.beta, b.beta);
    EXPECT_EQ(a.residual_quantiles, b.residual_quantiles);
    EXPECT_EQ(a.ks_distance, b.ks_distance);
    EXPECT_EQ(a.noise_components, b.noise_components);
    EXPECT_TRUE(equal_numbers(a.noise_ks_distances, b.noise_ks_distances));
    EXPECT_EQ(a.eigenvalues, b.eigenvalues);
    expect_equal(a.beta_plane, b.beta_plane);
    expect_equal(a.joint_plane, b.joint_plane);
    expect_equal(a.rope_plane, b.rope_plane);
    EXPECT_EQ(a.rope_pair, b.rope_pair);
    EXPECT_EQ(*a.query_rows, *b.query_rows);
    EXPECT_EQ(*a.key_rows, *b.key_rows);
  }
}

TEST(ProfileTable, EqualRowsOfALayerAreOneObject) {
  const TestFolder folder;
  const Profiles read = read_profiles(write(folder.path() / "p.parquet"));
  EXPECT_EQ(read.heads[0].profile.query_rows, read.heads[1].profile.query_rows);
  EXPECT_EQ(read.heads[0].profile.key_rows, read.heads[1].profile.key_rows);
  EXPECT_NE(read.heads[1].profile.query_rows, read.heads[2].profile.query_rows);
  EXPECT_NE(read.heads[1].profile.key_rows, read.heads[2].profile.key_rows);  // another layer
}

TEST(ProfileTable, EqualHeadsGiveEqualBytes) {
  const TestFolder folder;
  EXPECT_EQ(read_file(write(folder.path() / "a.parquet")),
            read_file(write(folder.path() / "b.parquet")));
}

TEST(ProfileTable, MoreHeadsThanARowGroupHolds) {
  const TestFolder folder;
  ProfileTable table(folder.path() / "p.parquet", 3, 0);
  for (int64_t i = 0; i < 600; ++i) table.add(head(i / 100, i % 100, 3));
  table.flush();
  table.finish();
  const Profiles read = read_profiles(table.path());
  ASSERT_EQ(read.heads.size(), 600U);
  EXPECT_EQ(read.heads[511].head, (HeadId{5, 11, 5}));
  EXPECT_EQ(read.heads[511].profile.beta.back(), 11);
}

TEST(ProfileTable, WithoutRowsThereIsNoFile) {
  const TestFolder folder;
  {
    ProfileTable table(folder.path() / "p.parquet", 3, 0);
    EXPECT_FALSE(table.has_rows());
    table.flush();
    table.finish();
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

// All bytes of the numbers that were read.
std::string numbers_of(const Profiles& table) {
  std::string out;
  const auto add = [&](const auto& values) {
    out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
    out += ';';
  };
  for (const ProfiledHead& one : table.heads) {
    const HeadProfile& profile = one.profile;
    add(std::vector<int64_t>{one.head.layer, one.head.q_head, one.head.k_head,
                             profile.rope_pair.value_or(-1)});
    add(std::vector<double>{profile.ks_distance, profile.beta_plane.share});
    add(profile.beta);
    add(profile.residual_quantiles);
    add(profile.eigenvalues);
    for (const HeadPlane* drawn :
         {&profile.beta_plane, &profile.joint_plane, &profile.rope_plane}) {
      add(drawn->queries);
      add(drawn->keys);
    }
    for (const auto& rows : {profile.query_rows, profile.key_rows}) {
      add(rows->positions);
      add(rows->buckets);
      add(rows->example_ids);
    }
  }
  return out;
}

TEST(ProfileTable, DamagedPagesGiveNoOtherNumbers) {
  const TestFolder folder;
  const fs::path path = write(folder.path() / "p.parquet");
  const std::string whole = read_file(path);
  const std::string numbers = numbers_of(read_profiles(path));
  uint32_t footer = 0;
  std::memcpy(&footer, whole.data() + whole.size() - 8, 4);
  int64_t refused = 0;
  for (size_t at = 4; at < whole.size() - 8 - footer; at += 7) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(path, bytes);
    try {
      EXPECT_EQ(numbers_of(read_profiles(path)), numbers) << at;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(ProfileTable, ListsOfOtherLengthsAreRefused) {
  const TestFolder folder;
  const auto written = [&](const auto& change) {
    HeadMetrics one = head(2, 5, 3);
    change(*one.profile);
    ProfileTable table(folder.path() / "p.parquet", 3, 0);
    table.add(one);
    table.flush();
    table.finish();
    return table.path();
  };
  const auto refusal_of = [&](const fs::path& path) -> std::string {
    try {
      read_profiles(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal_of(written([](HeadProfile& p) { p.joint_plane.keys.pop_back(); })),
              HasSubstr("layer 2, query head 5, column k_joint: expected 4 numbers, found 3"));
  EXPECT_THAT(refusal_of(written([](HeadProfile& p) { p.residual_quantiles.pop_back(); })),
              HasSubstr("column residual_quantiles: expected 129 numbers, found 128"));
  EXPECT_THAT(refusal_of(written([](HeadProfile& p) { p.noise_components.pop_back(); })),
              HasSubstr("column noise_ks_distance: expected 1 numbers, found 2"));
  EXPECT_EQ(refusal_of(written([](HeadProfile& p) { p.rope_plane = {}; })), "");
}

TEST(ProfileTable, OtherFilesAreRefused) {
  const TestFolder folder;
  const fs::path path = folder.path() / "p.parquet";
  write_file(path, "layer,q_head\n");
  EXPECT_THAT([&] { read_profiles(path); },
              testing::ThrowsMessage<Error>(HasSubstr(path.string() + ": ")));
  const std::string columns = std::string(QK_TEST_DATA) + "/dataset/columns/id_uint64.parquet";
  EXPECT_THAT([&] { read_profiles(columns); },
              testing::ThrowsMessage<Error>(
                  HasSubstr("is not a table of profiles: its footer has no qkscope.profiles")));
}

}  // namespace
}  // namespace qk::profile_table_test
