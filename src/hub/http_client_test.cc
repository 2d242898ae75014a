#include "hub/http_client.h"

#include <gtest/gtest.h>

namespace qk {
namespace http_client_test {

TEST(HttpAddress, OriginsCanBeCompared) {
  EXPECT_EQ(origin_of("https://HuggingFace.co/api?x#y"), "https://huggingface.co:443");
  EXPECT_EQ(origin_of("HTTPS://huggingface.co:443"), "https://huggingface.co:443");
  EXPECT_EQ(origin_of("http://127.0.0.1:8000/x"), "http://127.0.0.1:8000");
  EXPECT_EQ(origin_of("http://[::1]:8000"), "http://[::1]:8000");
  EXPECT_EQ(origin_of("https://huggingface.co@evil.org/"), "https://evil.org:443");
  EXPECT_EQ(origin_of("https://huggingface.co\\@evil.org/"), "https://evil.org:443");
  for (const char* text : {"", "huggingface.co", "/api", "ftp://h/", "file:///etc/passwd",
                           "https://", "http://h:99999/", "https://a b/"}) {
    EXPECT_EQ(origin_of(text), "") << text;
  }
  EXPECT_EQ(origin_of(std::string("https://h\0.evil.org", 19)), "");
}

TEST(HttpAddress, ReferencesAreResolvedAsRfc3986Says) {
  const char* base = "https://hub.co:8443/api/models/a?x=1#f";
  EXPECT_EQ(resolve_url(base, "/api/resolve-cache/x?etag=%22a%22"),
            "https://hub.co:8443/api/resolve-cache/x?etag=%22a%22");
  EXPECT_EQ(resolve_url(base, "b?y=2"), "https://hub.co:8443/api/models/b?y=2");
  EXPECT_EQ(resolve_url(base, "?cursor=2"), "https://hub.co:8443/api/models/a?cursor=2");
  EXPECT_EQ(resolve_url(base, "//cdn.co/x"), "https://cdn.co/x");
  EXPECT_EQ(resolve_url(base, "../b"), "https://hub.co:8443/api/b");
  EXPECT_EQ(resolve_url(base, "http://o/p#frag"), "http://o/p");
  EXPECT_EQ(resolve_url(base, "/a b"), "https://hub.co:8443/a%20b");
  EXPECT_EQ(resolve_url(base, std::string("/a\0b", 4)), "");
  EXPECT_EQ(resolve_url("nonsense", "/a"), "");
}

TEST(HttpHeaders, NamesHaveNoCase) {
  HttpHeaders headers;
  headers.add("ETag", "a");
  headers.add("etag", "b");
  EXPECT_EQ(headers.find("ETAG"), "a");
  EXPECT_EQ(headers.find("ETa"), std::nullopt);
  EXPECT_EQ(headers.all().size(), 2);
}

}  // namespace http_client_test
}  // namespace qk
