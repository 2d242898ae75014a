#include "torch/linear.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>

#include <string>

#include "torch/errors.h"
#include "torch/operations.h"
#include "torch/weights.h"

namespace qk_torch {
namespace {

bool continues(const QkLinearJob& job, const QkLinearJob& next) {
  return next.weight == job.weight && next.bias == job.bias && !job.accumulate &&
         !next.accumulate && next.first_row == job.first_row + job.y.cols;
}

struct Product {
  at::Tensor weight;               // [out, in]
  std::optional<at::Tensor> bias;  // [out]
};

Product rows_of(QkDevice& device, const QkLinearJob& job, int64_t in, int64_t out) {
  const at::Tensor& all = value_of(device, *job.weight);
  if (all.size(1) != in || job.first_row < 0 || job.first_row + out > all.size(0)) {
    throw Failure("a product of [" + std::to_string(job.first_row) + " to " +
                  std::to_string(job.first_row + out) + ", " + std::to_string(in) +
                  "] does not fit a weight of [" + std::to_string(all.size(0)) + ", " +
                  std::to_string(all.size(1)) + "]");
  }
  Product product{all.narrow(0, job.first_row, out), std::nullopt};
  if (job.bias != nullptr) {
    product.bias = value_of(device, *job.bias).select(0, 0).narrow(0, job.first_row, out);
  }
  return product;
}

// out [n, out] = x W^T + bias, by the calls that at::linear of [1, n, in] comes down to.
void multiply_into(at::Tensor& out, const at::Tensor& x, const Product& product) {
  if (product.bias) {
    at::addmm_out(out, *product.bias, x, product.weight.t());
  } else {
    at::mm_out(out, x, product.weight.t());
  }
}

void one_job(QkDevice& device, const at::Tensor& x, const QkLinearJob& job) {
  const Product product = rows_of(device, job, x.size(1), job.y.cols);
  at::Tensor y = view(device, job.y);
  if (job.accumulate) {
    y.add_(at::linear(x.unsqueeze(0), product.weight, product.bias).squeeze(0));
  } else {
    multiply_into(y, x, product);
  }
}

void joined_jobs(QkDevice& device, const at::Tensor& x, const QkLinearJob* jobs, int64_t count) {
  int64_t out = 0;
  for (int64_t i = 0; i < count; ++i) out += jobs[i].y.cols;
  const Product product = rows_of(device, jobs[0], x.size(1), out);
  const at::Tensor all = at::linear(x.unsqueeze(0), product.weight, product.bias).squeeze(0);
  int64_t first = 0;
  for (int64_t i = 0; i < count; ++i) {
    const at::Tensor columns = all.narrow(1, first, jobs[i].y.cols);
    view(device, jobs[i].y).copy_(columns);
    device.product_columns.emplace(jobs[i].y.data, columns);
    first += jobs[i].y.cols;
  }
}

}  // namespace

std::optional<at::Tensor> columns_of_product(const QkDevice& device, const QkMatrix& y) {
  const auto found = device.product_columns.find(y.data);
  if (found == device.product_columns.end() || found->second.size(0) != y.rows ||
      found->second.size(1) != y.cols) {
    return std::nullopt;
  }
  return found->second;
}

void forget_product(QkDevice& device) { device.product_columns.clear(); }

void linear(QkDevice& device, const QkMatrix& x, const QkLinearJob* jobs, int64_t count) {
  forget_product(device);
  if (x.rows == 0) return;
  const at::Tensor input = view(device, x);
  for (int64_t first = 0; first < count;) {
    int64_t end = first + 1;
    while (end < count && continues(jobs[end - 1], jobs[end])) ++end;
    if (end == first + 1) {
      one_job(device, input, jobs[first]);
    } else {
      joined_jobs(device, input, jobs + first, end - first);
    }
    first = end;
  }
}

}  // namespace qk_torch
