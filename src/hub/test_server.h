// For tests only: an HTTP server on a free port of the loopback that answers as a function says.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hub/http_client.h"

namespace qk {

// One connection of a client.
class TestConnection {
 public:
  explicit TestConnection(int socket) : socket_(socket) {}
  ~TestConnection() { close(); }
  TestConnection(const TestConnection&) = delete;
  TestConnection& operator=(const TestConnection&) = delete;

  // Headers and body (by Content-Length); empty when the client has gone.
  std::string read_request() {
    std::string text = read_headers();
    const size_t length = text.find("Content-Length: ");
    const size_t begin = text.find("\r\n\r\n");
    if (text.empty() || length == std::string::npos || length > begin) return text;
    const size_t size = begin + 4 + std::stoul(text.substr(length + 16));
    while (text.size() < size && read_some(text)) {
    }
    return text;
  }
  std::string read_headers() {
    std::string text;
    while (text.find("\r\n\r\n") == std::string::npos) {
      if (!read_some(text)) return "";
    }
    return text;
  }
  // False: the client has gone. Of a copy: a client that has heard enough may let the test go on, and change
  // the text, before all of it is sent.
  bool write(std::string text) {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // With a reset instead of an orderly end.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  // Until the client goes away.
  void wait_for_end() {
    std::string ignored;
    while (read_some(ignored)) {
    }
  }

 private:
  bool read_some(std::string& text) {
    char buffer[4096];
    const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
    if (count <= 0) return false;
    text.append(buffer, static_cast<size_t>(count));
    return true;
  }

  int socket_;
};

class TestServer {
 public:
  // Called in a thread of its own for each connection.
  using Handler = std::function<void(TestConnection&)>;

  explicit TestServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ~TestServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    const std::lock_guard guard(mutex_);
    for (std::thread& thread : threads_) thread.join();
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  int port() const { return port_; }
  std::string address() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int num_connections() const { return num_connections_; }

  // A whole answer with this body, after which the connection ends. Without saying so the client may send its
  // next request at the moment in which the connection is closed.
  static std::string answer(const std::string& body, const std::string& status = "200 OK",
                            const std::string& headers = "") {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n" + headers + "\r\n" + body;
  }

 private:
  void accept() {
    while (true) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      ++num_connections_;
      const std::lock_guard guard(mutex_);
      threads_.emplace_back([this, socket] {
        TestConnection connection(socket);
        handler_(connection);
      });
    }
  }

  Handler handler_;
  int listener_ = -1, port_ = 0;
  std::atomic<int> num_connections_ = 0;
  std::thread acceptor_;
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

inline HubSettings settings_for(const std::string& endpoint) {
  HubSettings settings;
  settings.endpoint = endpoint;
  settings.token = Token("hf_topsecrettoken");
  settings.user_agent = "qkscope/test";
  return settings;
}

inline HttpRequest get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return request;
}

}  // namespace qk
