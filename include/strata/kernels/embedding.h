#pragma once

#include <ATen/core/Tensor.h>

namespace strata::kernels {

/// out_ND[n] = table_VD[rows_N[n]]. rows_N: int64, valid row numbers of the table.
void gather_rows(const at::Tensor& out_ND, const at::Tensor& table_VD, const at::Tensor& rows_N);

/// out_ND[rows_R[r]] = values_RD[r]; the rows are different ones, others stay as they are.
void scatter_rows(const at::Tensor& out_ND, const at::Tensor& values_RD, const at::Tensor& rows_R);

/// grad_table_VD[tokens_N[n]] += grad_ND[n], every id's terms added in the order of by_id_N, which lists the positions
/// sorted by id, then position. Bits do not depend on the number of threads.
void embedding_backward(const at::Tensor& grad_table_VD, const at::Tensor& grad_ND, const at::Tensor& tokens_N,
                        const at::Tensor& by_id_N);

}  // namespace strata::kernels
