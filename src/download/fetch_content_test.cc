#include "download/fetch_content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_error.h"
#include "download/test_download.h"

namespace qk {
namespace fetch_content_test {

using download_test::kGetModel;
using download_test::kModelFile;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
namespace fs = std::filesystem;

class FetchContent : public download_test::Download {};

TEST_F(FetchContent, ACutBodyGoesOnWithARange) {
  spoil_model(2, [](HttpResponse& answer) { answer.body.resize(answer.body.size() / 2); });
  get({kModelFile});
  EXPECT_THAT(cdn_log(), ElementsAre("GET /model.safetensors", "GET /model.safetensors bytes=5-",
                                     "GET /model.safetensors bytes=7-"));
  EXPECT_EQ(text(kModelFile), "0123456789");
}

TEST_F(FetchContent, TriesAreCountedAnewWhenBytesCame) {
  // 9 cuts are more than the retries of one request.
  spoil_model(9, [](HttpResponse& answer) { answer.body.resize(1); });
  get({kModelFile});
  EXPECT_EQ(text(kModelFile), "0123456789");
  fs::remove(hub_.blob(kModelFile));
  spoil_model(99, [](HttpResponse& answer) { answer.body.clear(); });
  EXPECT_THAT(error_of([&] { get({kModelFile}); }),
              HasSubstr("the answer ended after 0 of 10 bytes"));
}

TEST_F(FetchContent, AServerThatIgnoresRangesStartsAgain) {
  leave_partial("0123");
  spoil_model(1, [](HttpResponse& answer) {
    answer.status = 200;
    answer.body = "0123456789";
    answer.headers = {};
  });
  get({kModelFile});
  EXPECT_EQ(text(kModelFile), "0123456789");
  EXPECT_THAT(cdn_log(), SizeIs(1));
}

struct WrongAnswer {
  const char* name;
  std::function<void(HttpResponse&)> change;
  const char* found;
};

TEST_F(FetchContent, AnotherContentIsFetchedOnceMoreAndThenRefused) {
  const auto set_header = [](HttpResponse& answer, const char* name, const char* value) {
    answer.headers = {};
    answer.headers.add(name, value);
  };
  const WrongAnswer answers[] = {
      {"digest", [](HttpResponse& answer) { answer.body[3] = 'x'; }, "found sha256 "},
      {"length", [&](HttpResponse& answer) { set_header(answer, "Content-Length", "9"); },
       "found 9 bytes, twice"},
      {"longer",
       [](HttpResponse& answer) {
         answer.headers = {};
         answer.body += "more";
       },
       "found more than 10 bytes, twice"},
      {"range",
       [&](HttpResponse& answer) {
         answer.status = 206;
         set_header(answer, "Content-Range", "bytes 5-9/10");
       },
       "found Content-Range 'bytes 5-9/10' when byte 0 of 10 was asked for, twice"},
      {"total",
       [&](HttpResponse& answer) {
         answer.status = 206;
         set_header(answer, "Content-Range", "bytes 0-9/11");
       },
       "found Content-Range 'bytes 0-9/11' when byte 0 of 10 was asked for, twice"},
      {"416", [](HttpResponse& answer) { answer.status = 416; }, "status 416"},
  };
  for (const WrongAnswer& answer : answers) {
    hub_.log.clear();
    spoil_model(1, answer.change);
    get({kModelFile});
    EXPECT_EQ(text(kModelFile), "0123456789") << answer.name;
    EXPECT_THAT(cdn_log(), SizeIs(2)) << answer.name;
    fs::remove(hub_.blob(kModelFile));
    spoil_model(2, answer.change);
    const std::string error = error_of([&] { get({kModelFile}); });
    EXPECT_THAT(error, HasSubstr(answer.found)) << answer.name;
    EXPECT_THAT(error,
                HasSubstr("org/m@main: model.safetensors: expected 10 bytes with sha256 84d8"));
    EXPECT_FALSE(fs::exists(hub_.blob(kModelFile))) << answer.name;
    EXPECT_FALSE(fs::exists(partial())) << answer.name;
  }
}

TEST_F(FetchContent, PackedBytesAreWholeFilesOnly) {
  leave_partial("0123");
  spoil_model(2, [](HttpResponse& answer) {
    answer.headers.add("Content-Encoding", "gzip");
    if (answer.status == 200) answer.headers.add("Content-Length", "7");
  });
  get({kModelFile});
  EXPECT_THAT(cdn_log(), ElementsAre("GET /model.safetensors bytes=4-", "GET /model.safetensors"));
  EXPECT_EQ(text(kModelFile), "0123456789");
}

TEST_F(FetchContent, AStoreThatFailsIsTriedNoMoreOftenThanTheHub) {
  spoil_model(1000, [](HttpResponse& answer) { answer.status = 503; });
  EXPECT_THAT(
      error_of([&] { get({kModelFile}); }),
      HasSubstr("org/m@main: model.safetensors: the Hub cannot answer at the moment: run the "
                "same command again later (status 503"));
  EXPECT_THAT(cdn_log(), SizeIs(6));
}

TEST_F(FetchContent, AnExpiredAddressIsReplacedByANewOne) {
  spoil_model(3, [](HttpResponse& answer) { answer.status = 403; });
  get({kModelFile});
  EXPECT_EQ(std::count(hub_.log.begin(), hub_.log.end(), kGetModel), 4);
  fs::remove(hub_.blob(kModelFile));
  spoil_model(1000, [](HttpResponse& answer) { answer.status = 403; });
  EXPECT_THAT(
      error_of([&] { get({kModelFile}); }),
      HasSubstr("http://cdn.test:80, where the Hub sends for the bytes, answers with status 403 "
                "again and again"));
}

TEST_F(FetchContent, RefusalsOfTheHubAreErrors) {
  hub_.instead = [](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.url.find("/resolve/") == std::string::npos) return std::nullopt;
    HttpResponse answer;
    answer.status = 403;
    answer.headers.add("X-Error-Code", "GatedRepo");
    return answer;
  };
  EXPECT_THAT(error_of([&] { get({kModelFile}); }), HasSubstr("accept the conditions"));
  EXPECT_FALSE(fs::exists(partial()));
}

TEST_F(FetchContent, RedirectsHaveAnEnd) {
  hub_.instead = [](const HttpRequest&) -> std::optional<HttpResponse> {
    HttpResponse answer;
    answer.status = 307;
    answer.headers.add("Location", "/again");
    return answer;
  };
  EXPECT_THAT(error_of([&] { get({kModelFile}); }), HasSubstr("redirects more than 10 times"));
}

}  // namespace fetch_content_test
}  // namespace qk
