// How bodies read and write rows. An executor hands a body the index it is at: a plain number on the CPU, where the
// compiler makes vectors of the loop; on a device an At, several neighbouring elements that one thread moves at once
// and computes as Lanes. One text serves both.
#pragma once

#include "scalar.inl"

namespace strata::kernels {

/// Elements [first, first + kCount) of a row.
template <int kCount>
struct At {
  int first;
};

/// One number for each element of an At.
template <int kCount>
struct Lanes {
  float value[kCount];
};

template <class T>
STRATA_KFN float read(const T* row, int64_t i) {
  return widen(row[i]);
}

template <class T>
STRATA_KFN void write(T* row, int64_t i, float value) {
  row[i] = narrow<T>(value);
}

/// f(lane) of every lane.
template <int kCount, class F>
STRATA_KFN Lanes<kCount> each_lane(F&& f) {
  Lanes<kCount> result;
  for (int lane = 0; lane < kCount; ++lane) result.value[lane] = f(lane);
  return result;
}

/// A number as what is written at such an index.
STRATA_KFN float spread(int64_t, float value) { return value; }
template <int kCount>
STRATA_KFN Lanes<kCount> spread(At<kCount>, float value) {
  return each_lane<kCount>([&](int) { return value; });
}

template <int kCount>
STRATA_KFN float lane_of(const Lanes<kCount>& lanes, int lane) {
  return lanes.value[lane];
}
STRATA_KFN float lane_of(float value, int) { return value; }

template <int kCount>
STRATA_KFN Lanes<kCount> operator+(const Lanes<kCount>& a, const Lanes<kCount>& b) {
  return each_lane<kCount>([&](int lane) { return a.value[lane] + b.value[lane]; });
}
template <int kCount>
STRATA_KFN Lanes<kCount> operator-(const Lanes<kCount>& a, const Lanes<kCount>& b) {
  return each_lane<kCount>([&](int lane) { return a.value[lane] - b.value[lane]; });
}
template <int kCount>
STRATA_KFN Lanes<kCount> operator*(const Lanes<kCount>& a, const Lanes<kCount>& b) {
  return each_lane<kCount>([&](int lane) { return a.value[lane] * b.value[lane]; });
}
template <int kCount>
STRATA_KFN Lanes<kCount> operator/(const Lanes<kCount>& a, const Lanes<kCount>& b) {
  return each_lane<kCount>([&](int lane) { return a.value[lane] / b.value[lane]; });
}
template <int kCount>
STRATA_KFN Lanes<kCount> operator+(float a, const Lanes<kCount>& b) {
  return each_lane<kCount>([&](int lane) { return a + b.value[lane]; });
}
template <int kCount>
STRATA_KFN Lanes<kCount> operator+(const Lanes<kCount>& a, float b) {
  return each_lane<kCount>([&](int lane) { return a.value[lane] + b; });
}
template <int kCount>
STRATA_KFN Lanes<kCount> operator-(float a, const Lanes<kCount>& b) {
  return each_lane<kCount>([&](int lane) { return a - b.value[lane]; });
}
template <int kCount>
STRATA_KFN Lanes<kCount> operator-(const Lanes<kCount>& a, float b) {
  return each_lane<kCount>([&](int lane) { return a.value[lane] - b; });
}
template <int kCount>
STRATA_KFN Lanes<kCount> operator*(float a, const Lanes<kCount>& b) {
  return each_lane<kCount>([&](int lane) { return a * b.value[lane]; });
}
template <int kCount>
STRATA_KFN Lanes<kCount> operator*(const Lanes<kCount>& a, float b) {
  return each_lane<kCount>([&](int lane) { return a.value[lane] * b; });
}

template <class T, int kCount>
STRATA_KFN Lanes<kCount> rounded(const Lanes<kCount>& value) {
  return each_lane<kCount>([&](int lane) { return rounded<T>(value.value[lane]); });
}
template <int kCount>
STRATA_KFN Lanes<kCount> exponential(const Lanes<kCount>& x) {
  return each_lane<kCount>([&](int lane) { return exponential(x.value[lane]); });
}
template <int kCount>
STRATA_KFN Lanes<kCount> sigmoid(const Lanes<kCount>& x) {
  return each_lane<kCount>([&](int lane) { return sigmoid(x.value[lane]); });
}
template <int kCount>
STRATA_KFN Lanes<kCount> root(const Lanes<kCount>& x) {
  return each_lane<kCount>([&](int lane) { return root(x.value[lane]); });
}

template <int kCount>
STRATA_KFN Lanes<kCount> hyperbolic_tangent(const Lanes<kCount>& x) {
  return each_lane<kCount>([&](int lane) { return hyperbolic_tangent(x.value[lane]); });
}
template <int kCount>
STRATA_KFN Lanes<kCount> error_function(const Lanes<kCount>& x) {
  return each_lane<kCount>([&](int lane) { return error_function(x.value[lane]); });
}
template <int kCount>
STRATA_KFN Lanes<kCount> error_slope(const Lanes<kCount>& x) {
  return each_lane<kCount>([&](int lane) { return error_slope(x.value[lane]); });
}

/// `at_index` where the element is number `index` of its row, else `elsewhere`.
STRATA_KFN float choose(int64_t i, int64_t index, float at_index, float elsewhere) {
  return i == index ? at_index : elsewhere;
}
template <int kCount>
STRATA_KFN Lanes<kCount> choose(At<kCount> i, int64_t index, const Lanes<kCount>& at_index,
                                const Lanes<kCount>& elsewhere) {
  return each_lane<kCount>(
      [&](int lane) { return i.first + lane == index ? at_index.value[lane] : elsewhere.value[lane]; });
}

/// K sums taken side by side; of lanes their total.
template <int K>
struct Sums {
  float value[K];
  STRATA_KFN float operator[](int k) const { return value[k]; }
};

STRATA_KFN float total(float value) { return value; }
template <int kCount>
STRATA_KFN float total(const Lanes<kCount>& lanes) {
  float sum = lanes.value[0];
  for (int lane = 1; lane < kCount; ++lane) sum += lanes.value[lane];
  return sum;
}

template <class A>
STRATA_KFN Sums<1> sums(const A& a) {
  return {{total(a)}};
}
template <class A>
STRATA_KFN Sums<2> sums(const A& a, const A& b) {
  return {{total(a), total(b)}};
}

}  // namespace strata::kernels
