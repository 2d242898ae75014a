// libcurl against a server of sockets: what is sent and what comes back.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <thread>

#include "base/stopped.h"
#include "base/test_error.h"
#include "base/test_folder.h"
#include "hub/http_client.h"
#include "hub/test_server.h"

namespace qk {
namespace curl_client_test {

TEST(CurlClient, SendsWhatTheHubExpects) {
  std::string seen;
  TestServer server([&](TestConnection& connection) {
    seen = connection.read_request();
    connection.write(TestServer::answer("hello", "200 OK", "ETag: \"x\"\r\nX-Folded : y \r\n"));
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  HttpRequest request = get(server.address() + "/api/x?a=b");
  request.headers.push_back({"Range", "bytes=3-"});
  const HttpResponse response = client->send(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.headers.find("etag"), "\"x\"");
  EXPECT_EQ(response.url, request.url);
  EXPECT_TRUE(seen.starts_with("GET /api/x?a=b HTTP/1.1\r\n")) << seen;
  for (const char* line :
       {"Authorization: Bearer hf_topsecrettoken\r\n", "Range: bytes=3-\r\n",
        "User-Agent: qkscope/test\r\n", "Accept-Encoding: identity\r\n", "X-Amzn-Trace-Id: "}) {
    EXPECT_NE(seen.find(line), std::string::npos) << line << seen;
  }
}

TEST(CurlClient, TokenGoesToTheEndpointsOriginOnly) {
  std::string seen;
  const auto answer = [&](TestConnection& connection) {
    seen = connection.read_request();
    connection.write(TestServer::answer(""));
  };
  TestServer hub(answer), other(answer);
  const auto client = make_curl_client(settings_for(hub.address()), nullptr);
  const auto has_token = [&](const std::string& url, bool with_token = true) {
    HttpRequest request = get(url);
    request.with_token = with_token;
    client->send(request);
    return seen.find("hf_topsecrettoken") != std::string::npos;
  };
  EXPECT_TRUE(has_token(hub.address() + "/a"));
  EXPECT_FALSE(has_token(hub.address() + "/a", false));
  EXPECT_FALSE(has_token(other.address() + "/a"));                            // another port
  EXPECT_FALSE(has_token(fmt::format("http://localhost:{}/a", hub.port())));  // another name
  EXPECT_FALSE(
      has_token(fmt::format("http://127.0.0.1:{}@127.0.0.1:{}/", hub.port(), other.port())));
}

TEST(CurlClient, RedirectsAreAnswers) {
  TestServer server([&](TestConnection& connection) {
    connection.read_request();
    connection.write(TestServer::answer("moved", "302 Found", "Location: http://127.0.0.1:1/\r\n"));
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  const HttpResponse response = client->send(get(server.address()));
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(response.headers.find("LOCATION"), "http://127.0.0.1:1/");
}

TEST(CurlClient, SendsASliceOfAFileWithItsLength) {
  const TestFolder folder;
  std::string text(300'000, 'x');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  const std::string path = folder.write("data", text);
  std::string seen;
  TestServer server([&](TestConnection& connection) {
    seen = connection.read_request();
    connection.write(TestServer::answer("", "200 OK", "ETag: \"part\"\r\n"));
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  HttpRequest request = get(server.address() + "/put");
  request.method = "PUT";
  request.body = FileSlice{path, 1000, 250'000};
  int64_t sent = 0;
  request.on_sent = [&](int64_t count) { sent += count; };
  EXPECT_EQ(client->send(request).status, 200);
  EXPECT_NE(seen.find("Content-Length: 250000\r\n"), std::string::npos) << seen.substr(0, 300);
  EXPECT_EQ(seen.find("Expect"), std::string::npos);
  EXPECT_EQ(seen.find("Transfer-Encoding"), std::string::npos);
  EXPECT_EQ(seen.find("Content-Type"), std::string::npos);
  EXPECT_EQ(seen.substr(seen.find("\r\n\r\n") + 4), text.substr(1000, 250'000));
  EXPECT_EQ(sent, 250'000);
  request.body = FileSlice{path, 290'000, 20'000};
  EXPECT_THAT(error_of([&] { client->send(request); }),
              testing::HasSubstr("became shorter while it was sent"));
  request.body = FileSlice{folder.path() / "none", 0, 1};
  EXPECT_THAT(error_of([&] { client->send(request); }), testing::HasSubstr("none: cannot be read"));
}

TEST(CurlClient, PostsTextAndDeletes) {
  std::string seen;
  TestServer server([&](TestConnection& connection) {
    seen = connection.read_request();
    connection.write(TestServer::answer("{}"));
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  HttpRequest request = get(server.address() + "/p");
  request.method = "POST";
  request.headers.push_back({"Content-Type", "application/json"});
  request.body = std::string("{\"a\":1}");
  client->send(request);
  EXPECT_TRUE(seen.starts_with("POST /p ")) << seen;
  EXPECT_NE(seen.find("Content-Type: application/json\r\n"), std::string::npos) << seen;
  EXPECT_TRUE(seen.ends_with("\r\n\r\n{\"a\":1}")) << seen;
  request.body = {};
  request.headers.clear();
  client->send(request);
  EXPECT_NE(seen.find("Content-Length: 0\r\n"), std::string::npos) << seen;
  request.method = "DELETE";
  client->send(request);
  EXPECT_TRUE(seen.starts_with("DELETE /p ")) << seen;
}

TEST(CurlClient, SinkGetsContentAndTheBodyErrors) {
  std::string status = "206 Partial Content";
  TestServer server([&](TestConnection& connection) {
    connection.read_request();
    connection.write(TestServer::answer("abc", status));
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  std::string got;
  int statuses = 0;
  HttpRequest request = get(server.address());
  request.sink = [&](std::span<const std::byte> bytes) {
    got.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  request.on_headers = [&](const HttpResponse& response) {
    EXPECT_EQ(got, "");
    EXPECT_EQ(response.headers.find("content-length"), "3");
    statuses += response.status;
  };
  EXPECT_EQ(client->send(request).body, "");
  EXPECT_EQ(got, "abc");
  EXPECT_EQ(statuses, 206);
  got.clear();
  status = "404 Not Found";
  EXPECT_EQ(client->send(request).body, "abc");
  EXPECT_EQ(got, "");
  EXPECT_EQ(statuses, 206 + 404);
  request.sink = [](std::span<const std::byte>) { throw Error("disk full"); };
  status = "200 OK";
  EXPECT_THAT(error_of([&] { client->send(request); }), testing::HasSubstr("disk full"));
}

TEST(CurlClient, ConnectionsAreReused) {
  TestServer server([&](TestConnection& connection) {
    while (!connection.read_request().empty()) {
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    }
  });
  {
    const auto client = make_curl_client(settings_for(server.address()), nullptr);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(client->send(get(server.address())).body, "x");
    EXPECT_EQ(server.num_connections(), 1);
    std::vector<std::thread> threads;
    threads.reserve(8);
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 20; ++k) EXPECT_EQ(client->send(get(server.address())).body, "x");
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_LE(server.num_connections(), 9);
  }
}

}  // namespace curl_client_test
}  // namespace qk
