// Devices, memory, weights, time, and what is said when something is wrong.
#include <string>

#include "torch/test_plugin.h"

namespace qk_torch::device_test {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

std::vector<float> product(Device& device, const Weight& weight, const std::vector<float>& x) {
  Array input(device, x), y(device, weight.host.rows);
  const QkLinearJob job{weight.handle, nullptr, y.matrix(weight.host.rows), 0, 0};
  ok(api().linear(device, input.matrix(weight.host.cols), &job, 1));
  return y.get();
}

TEST(Device, KindsAreCounted) {
  int32_t count = -1;
  const char* why = nullptr;
  ok(api().count_devices("cpu", &count, &why));
  EXPECT_EQ(count, 1);
  EXPECT_EQ(std::string(why), "");
  ok(api().count_devices("cuda", &count, &why));
  EXPECT_EQ(count == 0, std::string(why) != "") << why;
  EXPECT_EQ(api().count_devices("xpu", &count, &why), QK_FAILED);
  EXPECT_NE(std::string(api().last_error()).find("'xpu'"), std::string::npos);
}

TEST(Device, WhatIsNotThereIsRefused) {
  QkDevice* device = nullptr;
  for (const QkOpen& options :
       {QkOpen{"xpu", 0, QK_F32, 1, 0, ""}, QkOpen{"cpu", 1, QK_F32, 1, 0, ""},
        QkOpen{"cpu", 0, QK_OTHER_TYPE, 1, 0, ""}, QkOpen{"cuda", 1000, QK_F32, 1, 0, ""}}) {
    EXPECT_EQ(api().open(&options, &device), QK_FAILED);
    EXPECT_EQ(device, nullptr);
    EXPECT_NE(std::string(api().last_error()), "");
  }
}

TEST(Device, MoreMemoryThanThereIsIsSaid) {
  Device device(QK_F32);
  void* data = nullptr;
  EXPECT_EQ(api().alloc(device, 0, int64_t{1} << 60, &data), QK_OUT_OF_MEMORY);
  EXPECT_EQ(data, nullptr);
  const std::string said = api().last_error();
  EXPECT_NE(said.find("can't allocate memory"), std::string::npos) << said;
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  EXPECT_EQ(said.find("enforce fail"), std::string::npos) << said;
  EXPECT_EQ(api().alloc(device, 0, 0, &data), QK_FAILED);
  Array works(device, 10);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(works.data) % 64, 0U);
  EXPECT_EQ(works.get(), std::vector<float>(10, 0.0F));
}

TEST(Device, DescribesItself) {
  Device device(QK_BF16);
  const char* json = nullptr;
  ok(api().describe(device, 64, &json));
  for (const char* member : {R"("device":"cpu")", R"("name":")", R"("torch":")",
                             R"("capability":")", R"("attention":")"}) {
    EXPECT_NE(std::string(json).find(member), std::string::npos) << json;
  }
  EXPECT_NE(std::string(json).find(R"("torch":"2.9.1+test")"), std::string::npos) << json;
  EXPECT_NE(std::string(json).find(R"("attention_windows":"bands of queries")"), std::string::npos)
      << json;
  int64_t free_bytes = -1, total_bytes = -1;
  ok(api().memory(device, &free_bytes, &total_bytes));
  EXPECT_EQ(free_bytes, 0);
  EXPECT_EQ(total_bytes, 0);
}

TEST(Device, TimePasses) {
  Device device(QK_F32);
  int64_t begin = 0, end = 0;
  double seconds = -1;
  ok(api().mark(device, &begin));
  ok(api().mark(device, &end));
  ok(api().seconds_between(device, begin, end, &seconds));
  EXPECT_GE(seconds, 0);
  EXPECT_LT(seconds, 60);
  EXPECT_EQ(api().seconds_between(device, begin, end, &seconds), QK_FAILED);  // once each
  ok(api().mark(device, &begin));
  ok(api().mark(device, &end));
  api().forget_marks(device);
  EXPECT_EQ(api().seconds_between(device, begin, end, &seconds), QK_FAILED);
}

TEST(Device, SizesAreKnownWithoutADevice) {
  EXPECT_EQ(api().kv_bytes(QK_BF16, 10, 2, 16), 2 * 10 * 2 * 16 * 2);
  EXPECT_EQ(api().kv_bytes(QK_F32, 1, 1, 3), 2 * 64);  // each part whole cache lines
  EXPECT_EQ(api().kv_bytes(QK_OTHER_TYPE, 1, 1, 3), 0);
}

TEST(Device, WhatOperationsTakeIsCounted) {
  Device full(QK_F32), half(QK_BF16);
  // Wide rows: two float32 and two rounded copies.
  const QkScratch wide{1000, 4096, 8, 8, 2, 2, 16, 0, 1};
  EXPECT_EQ(api().scratch_bytes(full, &wide), 1000 * 4096 * 16);
  EXPECT_EQ(api().scratch_bytes(half, &wide), 1000 * 4096 * 12);
  // Many heads: five rotated copies of the queries.
  const QkScratch heads{1000, 64, 8, 8, 64, 2, 128, 0, 1};
  EXPECT_EQ(api().scratch_bytes(half, &heads), 1000 * 64 * 128 * 5 * 2);
  // Long documents: attention.
  const QkScratch tokens{1, 64, 5000, 5000, 4, 2, 128, 0, 1};
  EXPECT_EQ(api().scratch_bytes(half, &tokens), 5000 * 4 * (3 * 128 * 2 + 4));
  Device dispatched(QK_BF16, true);
  QkScratch windowed = tokens;
  windowed.window = 100;
  EXPECT_GT(api().scratch_bytes(dispatched, &windowed), 5000 * 5000 * 7);
}

TEST(Weights, DroppedAndLoadedAgainTheyGiveTheSameBits) {
  for (const int32_t type : kTypes) {
    Device device(type);
    const std::vector<float> x = numbers(300, 1, type);
    for (const int32_t stored : {QK_F32, QK_F16, QK_BF16, QK_OTHER_TYPE}) {
      Weight weight(device, numbers(5 * 300, 2, stored), 300, stored);
      const std::vector<float> resident = product(device, weight, x);
      QkWeight* const list[] = {weight.handle};
      ok(api().drop(device, list, 1));
      ok(api().prefetch(device, list, 1));
      EXPECT_EQ(product(device, weight, x), resident) << type << " from " << stored;
    }
  }
}

// What a plugin copied it does not read again; what it reads in place it does.
TEST(Weights, TheHostIsToldWhenItWasCopied) {
  for (const int32_t type : kTypes) {
    Device device(type);
    for (const int32_t stored : {QK_F32, QK_F16, QK_BF16, QK_OTHER_TYPE}) {
      Weight weight(device, numbers(5 * 8, 1, stored), 8, stored);
      static int64_t released;
      released = 0;
      QkHostWeight host = weight.host;
      host.release = [](const void*) { ++released; };
      QkWeight* bound = nullptr;
      ok(api().bind(device, &host, &bound));
      EXPECT_EQ(released, 0);
      Array x(device, 8), y(device, 5);
      const QkLinearJob job{bound, nullptr, y.matrix(5), 0, 0};
      ok(api().linear(device, x.matrix(8), &job, 1));
      EXPECT_EQ(released, stored == type ? 0 : 1) << type << " from " << stored;
      api().unbind(device, bound);
    }
  }
}

// Numbers that are rounded once to the type, whichever way they come.
TEST(Weights, RowByRowTheyAreThoseOfTheStoredType) {
  for (const int32_t type : kTypes) {
    Device device(type);
    const std::vector<float> x = numbers(64, 1, type), list = numbers(7 * 64, 2, QK_F32);
    Weight stored(device, list, 64, QK_F32), by_rows(device, list, 64, QK_OTHER_TYPE);
    EXPECT_EQ(product(device, by_rows, x), product(device, stored, x)) << type;
  }
}

TEST(Weights, LargerThanABlockOfRows) {
  Device device(QK_BF16);
  const int64_t cols = 3000, rows = 4000;  // 48 MB as float32
  std::vector<float> list(static_cast<size_t>(rows * cols), 0.0F);
  for (int64_t r = 0; r < rows; ++r)
    list[static_cast<size_t>(r * cols + r % cols)] = static_cast<float>(r % 128);
  std::vector<float> x(static_cast<size_t>(cols), 1.0F);
  Weight weight(device, std::move(list), cols, QK_OTHER_TYPE);
  const std::vector<float> y = product(device, weight, x);
  for (size_t r = 0; r < y.size(); ++r) ASSERT_EQ(y[r], static_cast<float>(r % 128)) << r;
}

TEST(Weights, RowsThatCannotBeReadAreAnError) {
  Device device(QK_BF16);
  Weight weight(device, numbers(8, 1, QK_F32), 4, QK_OTHER_TYPE);
  QkHostWeight broken = weight.host;
  broken.read_rows = [](const void*, int64_t, int64_t, float*) { return int32_t{1}; };
  QkWeight* bound = nullptr;
  ok(api().bind(device, &broken, &bound));
  Array x(device, 4), y(device, 2);
  const QkLinearJob job{bound, nullptr, y.matrix(2), 0, 0};
  EXPECT_EQ(api().linear(device, x.matrix(4), &job, 1), QK_FAILED);
  EXPECT_NE(std::string(api().last_error()).find("could not be read"), std::string::npos);
  const std::vector<int32_t> ids{2};
  EXPECT_EQ(api().embedding(device, &weight.host, ids.data(), 1, 1, x.matrix(4)), QK_FAILED);
  const QkLinearJob wide{weight.handle, nullptr, y.matrix(2), 1, 0};
  EXPECT_EQ(api().linear(device, x.matrix(4), &wide, 1), QK_FAILED);
}

}  // namespace
}  // namespace qk_torch::device_test
