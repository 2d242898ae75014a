// libcurl against a server of sockets that fails: what each kind of failure becomes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/stopped.h"
#include "base/test_error.h"
#include "base/test_folder.h"
#include "hub/curl_failure.h"
#include "hub/http_client.h"
#include "hub/test_server.h"

namespace qk {
namespace curl_faults_test {

using std::chrono::milliseconds;

// The fault of the exchange; fails the test if there is none.
HttpFault fault_of(HttpClient& client, const HttpRequest& request,
                   std::string* sentence = nullptr) {
  try {
    client.send(request);
  } catch (const HttpFailure& failure) {
    if (sentence != nullptr) *sentence = failure.what();
    return failure.fault();
  }
  ADD_FAILURE() << "an answer";
  return HttpFault::kOther;
}

TEST(CurlClient, NamesRefusedAndUnknownHosts) {
  int port = 0;
  {
    const TestServer gone([](TestConnection&) {});
    port = gone.port();
  }
  const auto client = make_curl_client(settings_for("http://127.0.0.1:1"), nullptr);
  std::string sentence;
  EXPECT_EQ(fault_of(*client, get(fmt::format("http://127.0.0.1:{}/x?secret=1", port)), &sentence),
            HttpFault::kConnect);
  EXPECT_NE(sentence.find(fmt::format("127.0.0.1:{}", port)), std::string::npos) << sentence;
  EXPECT_EQ(sentence.find("secret"), std::string::npos) << sentence;
  EXPECT_EQ(fault_of(*client, get("http://no-such-host.invalid/")), HttpFault::kResolve);
  EXPECT_EQ(fault_of(*client, get("file:///etc/passwd")), HttpFault::kOther);
  EXPECT_EQ(fault_of(*client, get("ftp://127.0.0.1/")), HttpFault::kOther);
}

TEST(CurlClient, CutsAndResetsAreInterruptions) {
  std::atomic<const char*> part = "";
  std::atomic<bool> resets = false;
  TestServer server([&](TestConnection& connection) {
    connection.read_request();
    const bool reset = resets;
    connection.write(part.load());
    if (reset) connection.reset();
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  const HttpRequest request = get(server.address());
  for (const bool reset : {false, true}) {
    resets = reset;
    for (const char* text :
         {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
      part = text;
      EXPECT_EQ(fault_of(*client, request), HttpFault::kInterrupted) << text << reset;
    }
  }
}

TEST(CurlClient, TextThatIsNoHttpIsAFailure) {
  std::atomic<const char*> text = "";
  TestServer server([&](TestConnection& connection) {
    connection.read_request();
    connection.write(text.load());
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  for (const char* garbage :
       {"SSH-2.0-OpenSSH\r\n", "\x16\x03\x01 garbage", "HTTP/9.9 what\r\n\r\n"}) {
    text = garbage;
    std::string sentence;
    EXPECT_EQ(fault_of(*client, get(server.address()), &sentence), HttpFault::kOther) << garbage;
  }
}

TEST(CurlClient, ASilentServerTimesOut) {
  std::atomic<const char*> begin = "";
  TestServer server([&](TestConnection& connection) {
    connection.read_request();
    connection.write(begin.load());
    connection.wait_for_end();
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  HttpRequest request = get(server.address());
  request.idle_timeout = milliseconds(200);
  for (const char* text :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"}) {
    begin = text;
    EXPECT_EQ(fault_of(*client, request), HttpFault::kTimeout) << text;
  }
}

TEST(CurlClient, AStopEndsTheExchange) {
  TestServer server([&](TestConnection& connection) {
    connection.read_request();
    connection.wait_for_end();
  });
  std::atomic<bool> stop = false;
  const auto client = make_curl_client(settings_for(server.address()), &stop);
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    stop = true;
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THROW(client->send(get(server.address())), Stopped);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  stopper.join();
  EXPECT_THROW(client->send(get(server.address())), Stopped);
}

TEST(CurlClient, AnswersThatAreTooLarge) {
  std::string text;
  TestServer server([&](TestConnection& connection) {
    while (!connection.read_request().empty()) connection.write(text);
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  HttpRequest request = get(server.address());
  request.max_body_bytes = 100;
  text = TestServer::answer(std::string(100, 'x'));
  EXPECT_EQ(client->send(request).body.size(), 100);
  text = TestServer::answer(std::string(101, 'x'));
  EXPECT_EQ(fault_of(*client, request), HttpFault::kTooLarge);
  text = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 6000; ++i) text += fmt::format("X-{}: {}\r\n", i, std::string(50, 'y'));
  EXPECT_EQ(fault_of(*client, request), HttpFault::kTooLarge);
  // Of an error the begin is enough.
  text = TestServer::answer(std::string(400'000, 'e'), "503 Busy");
  const HttpResponse response = client->send(request);
  EXPECT_EQ(response.status, 503);
  EXPECT_LE(response.body.size(), 256U << 10);
}

TEST(CurlClient, AnErrorBeforeTheWholeBodyIsAnAnswer) {
  const TestFolder folder;
  const std::string path = folder.write("data", std::string(8 << 20, 'x'));
  TestServer server([&](TestConnection& connection) {
    connection.read_headers();
    connection.write(TestServer::answer("too large", "413 Payload Too Large"));
    std::this_thread::sleep_for(milliseconds(50));
    connection.reset();
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  HttpRequest request = get(server.address());
  request.method = "PUT";
  request.body = FileSlice{path, 0, 8 << 20};
  EXPECT_EQ(client->send(request).status, 413);
}

TEST(CurlClient, InterimAnswersAndTrailersAreNotHeaders) {
  TestServer server([&](TestConnection& connection) {
    connection.read_request();
    connection.write(
        "HTTP/1.1 103 Early Hints\r\nX-A: early\r\n\r\nHTTP/1.1 200 OK\r\nX-A: real\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-A: trailer\r\nX-B: trailer\r\n\r\n");
  });
  const auto client = make_curl_client(settings_for(server.address()), nullptr);
  const HttpResponse response = client->send(get(server.address()));
  EXPECT_EQ(response.body, "hi");
  EXPECT_EQ(response.headers.find("x-a"), "real");
  EXPECT_EQ(response.headers.find("x-b"), std::nullopt);
}

TEST(CurlClient, HeadersOfTheRequestHoldNoLineBreak) {
  const auto client = make_curl_client(settings_for("http://127.0.0.1:1"), nullptr);
  HttpRequest request = get("http://127.0.0.1:1/");
  request.headers.push_back({"X", "a\r\nAuthorization: b"});
  EXPECT_EQ(fault_of(*client, request), HttpFault::kOther);
}

class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

TEST(CurlClient, ProxiesOfTheEnvironment) {
  std::string seen, reply;
  TestServer proxy([&](TestConnection& connection) {
    seen = connection.read_request();
    connection.write(reply);
  });
  HubSettings settings = settings_for("https://hub.invalid");
  const auto client = make_curl_client(settings, nullptr);
  reply = TestServer::answer("no", "403 Forbidden");
  {
    const Variable https("HTTPS_PROXY", proxy.address());
    std::string sentence;
    EXPECT_EQ(fault_of(*client, get("https://hub.invalid/api"), &sentence), HttpFault::kProxy);
    EXPECT_NE(sentence.find("the proxy refused the connection (status 403)"), std::string::npos)
        << sentence;
    EXPECT_TRUE(seen.starts_with("CONNECT hub.invalid:443 ")) << seen;
    EXPECT_EQ(seen.find("hf_"), std::string::npos) << seen;
    const Variable none("NO_PROXY", "hub.invalid");
    EXPECT_EQ(fault_of(*client, get("https://hub.invalid/api")), HttpFault::kResolve);
  }
  for (const char* address : {"ftp://user:secret@host", "http://user:sec ret@host"}) {
    const Variable wrong("HTTPS_PROXY", address);
    std::string sentence;
    EXPECT_EQ(fault_of(*client, get("https://hub.invalid/api"), &sentence), HttpFault::kProxy);
    EXPECT_NE(sentence.find("the address of the proxy cannot be used"), std::string::npos);
    EXPECT_EQ(sentence.find("user"), std::string::npos) << sentence;
  }
  const Variable http("HTTP_PROXY", proxy.address());  // as Python takes it; curl alone does not
  reply = TestServer::answer("through");
  EXPECT_EQ(client->send(get("http://hub.invalid/api")).body, "through");
  EXPECT_TRUE(seen.starts_with("GET http://hub.invalid/api ")) << seen;
  reply = TestServer::answer("who", "407 Proxy Authentication Required");
  EXPECT_EQ(fault_of(*client, get("http://hub.invalid/api")), HttpFault::kProxy);
  const Variable lower("http_proxy", "");
  EXPECT_EQ(fault_of(*client, get("http://hub.invalid/api")), HttpFault::kResolve);
}

TEST(CurlClient, CertificatesThatAreNotThere) {
  const Variable bundle("SSL_CERT_FILE", "/nowhere/ca.pem");
  const auto client = make_curl_client(settings_for("https://127.0.0.1:1"), nullptr);
  EXPECT_THAT(
      error_of([&] { client->send(get("https://127.0.0.1:1/")); }),
      testing::HasSubstr("SSL_CERT_FILE: /nowhere/ca.pem: there is no such file of certificates"));
}

TEST(SystemCertificates, AreFoundWhereDistributionsHaveThem) {
  const TestFolder root;
  EXPECT_EQ(system_certificates(root.path()), "");
  for (const char* place :
       {"etc/pki/tls/certs/ca-bundle.crt", "etc/ssl/certs/ca-certificates.crt"}) {
    const std::string file = root.write(place, "certificates");
    EXPECT_EQ(system_certificates(root.path()), file);
  }
}

TEST(CurlClient, AHandshakeThatIsNoTlsIsNotTriedAgain) {
  TestServer server(
      [&](TestConnection& connection) { connection.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  const auto client = make_curl_client(settings_for("https://127.0.0.1:1"), nullptr);
  try {
    client->send(get(fmt::format("https://127.0.0.1:{}/", server.port())));
    FAIL();
  } catch (const HttpFailure& failure) {
    EXPECT_EQ(failure.fault(), HttpFault::kTls) << failure.what();
    EXPECT_FALSE(failure.is_transient());
  }
}

}  // namespace curl_faults_test
}  // namespace qk
