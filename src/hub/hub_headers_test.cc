#include "hub/hub_headers.h"

#include <gtest/gtest.h>

namespace qk {
namespace hub_headers_test {

using std::chrono::seconds;

TEST(HubHeaders, NextOfLink) {
  EXPECT_EQ(next_of_link("<https://h/p?c=2>; rel=\"next\""), "https://h/p?c=2");
  EXPECT_EQ(next_of_link("</p>;rel=next"), "/p");
  EXPECT_EQ(next_of_link("<a>; rel=\"prev\", <b>; title=\"x, y; z\"; REL=\"last Next\""), "b");
  EXPECT_EQ(next_of_link("<a,b;c>; rel=\"xet-auth\" , <d>; rel = \"next\""), "d");
  EXPECT_EQ(next_of_link("<a>; rel=\"next\", <b>; rel=\"next\""), "a");
  for (const char* text :
       {"", "<", "<a", "<a>", "<a>; rel", "<a>; rel=nextpage", "<a>; rel=\"x-next\"",
        "<>; rel=next", "rel=\"next\"", "<a>; title=\"rel=next\""}) {
    EXPECT_EQ(next_of_link(text), std::nullopt) << text;
  }
}

TEST(HubHeaders, WaitOfRateLimit) {
  EXPECT_EQ(wait_of_rate_limit("\"api\";r=0;t=55"), seconds(55));
  EXPECT_EQ(wait_of_rate_limit("\"api\" ; t = 7 ; r = 0"), seconds(7));
  EXPECT_EQ(wait_of_rate_limit("\"pages\";r=9;t=1, \"api\";r=0;t=3"), seconds(3));
  EXPECT_GT(wait_of_rate_limit("\"api\";r=0;t=99999999999999999999"), seconds(1 << 30));
  for (const char* text : {"", "\"api\"", "\"api\";r=1;t=5", "\"api\";r=0", "\"api\";r=0;t=-5",
                           "\"api\";r=0;t=x", "\"a;r=0;t=5\""}) {
    EXPECT_EQ(wait_of_rate_limit(text), std::nullopt) << text;
  }
}

TEST(HubHeaders, WaitOfRetryAfter) {
  const auto now = std::chrono::system_clock::from_time_t(1'000'000'000);  // 2001-09-09 01:46:40
  EXPECT_EQ(wait_of_retry_after(" 120 ", now), seconds(120));
  EXPECT_EQ(wait_of_retry_after("0", now), seconds(0));
  EXPECT_EQ(wait_of_retry_after("Sun, 09 Sep 2001 01:47:00 GMT", now), seconds(20));
  EXPECT_EQ(wait_of_retry_after("Sun, 09 Sep 2001 01:46:00 GMT", now), seconds(0));
  EXPECT_GT(wait_of_retry_after("999999999999999999999", now), seconds(1 << 30));
  for (const char* text : {"", "soon", "-5", "1.5", "5 s"}) {
    EXPECT_EQ(wait_of_retry_after(text, now), std::nullopt) << text;
  }
}

}  // namespace hub_headers_test
}  // namespace qk
