#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/registry.h"
#include "strata/config/model.h"
#include "strata/norm/junction.h"

namespace strata::norm {

enum class Branch { kAttention, kFeedForward };

/// Where in the model a branch stands.
struct Site {
  int64_t layer = 0;   // from 0
  int64_t layers = 1;  // of the model
  Branch branch = Branch::kAttention;
};

/// One sub-layer as the papers write it:
///
///   x <- out_norm(skip_scale * x + branch_scale * branch_norm(f(input_scale * input_norm(x))))
///
/// with its GPAS gate (section 4.4) on one of these values; `norm` means what f reads.
struct Sublayer {
  Norm input_norm = Norm::kNone;
  double input_scale = 1.0;
  double input_gain = 1.0;                // what input_norm's gain starts from
  std::string_view input_norm_name = {};  // "pre_feedforward_layernorm", where its place alone does not give it
  Norm branch_norm = Norm::kNone;
  double branch_gain = 1.0;  // what branch_norm's gain starts from
  Ramp branch_scale = {};
  std::string_view branch_weight = {};  // a learned number of the layer by that name, from 0, multiplies the branch too
  double skip_scale = 1.0;
  Norm out_norm = Norm::kNone;
  double norm_alpha = 0.5;  // what alpha of the sub-layer's norms starts from, where they have one
  Gate gate = Gate::kNone;
  bool gates_input = false;  // instead: x <- G(x) before all of it
};

enum class Weight { kQuery, kKey, kValue, kOutput, kGate, kUp, kDown };

/// A linear weight [fan_out, fan_in] of a layer.
struct WeightSite {
  Weight weight = Weight::kQuery;
  int64_t layers = 1;
  int64_t fan_in = 1;
  int64_t fan_out = 1;
};

/// Standard deviation that linear weights start from where a scheme says nothing else.
inline constexpr double kLinearStd = 0.02;

/// The norm that the head reads.
struct FinalNorm {
  Norm norm = Norm::kRms;
  double alpha = 0.5;  // where it starts from, if the norm has one
};

/// RMSNorms inside attention, before the rotation, with gains `self_attn.{q,k,v}_norm.weight`.
struct AttentionNorms {
  config::QkNorm query_key = config::QkNorm::kNone;
  bool value = false;  // of each head

  bool operator==(const AttentionNorms&) const = default;
};

/// For people: "x <- x + f(N x)", "Pre-LN, arXiv 2002.04745".
struct SchemeText {
  std::string_view equation = {}, source = {};
};

/// A way of normalising a decoder, as data; and where data will not do, as a function.
class Scheme {
 public:
  virtual ~Scheme() = default;
  virtual SchemeText text() const { return {}; }
  virtual Sublayer sublayer(const Site& site) const = 0;
  /// Of the embedding, before all else: x0 = embedding_norm(embedding), with the gain `model.embedding_norm.weight`.
  virtual Norm embedding_norm() const { return Norm::kNone; }
  /// What a learned number `model.embed_scale`, by which the embedding is multiplied, starts from; nothing: there is
  /// none.
  virtual std::optional<double> embedding_scale() const { return std::nullopt; }
  /// model.qk_norm gives any scheme norms on queries and keys; these are those that it brings itself.
  virtual AttentionNorms attention_norms() const { return {}; }
  virtual FinalNorm final_norm() const { return {}; }
  /// The escape hatch: the junction after the branch at `site`, in place of what the records say about it, which are
  /// this sub-layer's leaving half and the next one's input norm. The last junction's n goes to the head, so that one
  /// has the final norm in it (parameter `model.norm.weight`).
  virtual std::optional<CustomJunction> custom(const Site&) const { return std::nullopt; }
  /// Standard deviation of the normal distribution that a linear weight starts from.
  virtual double weight_std(const WeightSite&) const { return kLinearStd; }
};

/// The numbers under `norm.options`. A scheme asks for each of its own in its constructor.
class SchemeOptions {
 public:
  explicit SchemeOptions(std::map<std::string, double> given) : given_(std::move(given)) {}
  /// The value given for `name`, else `fallback`. Throws config::KeyError outside [low, high].
  double number(const std::string& name, double fallback, double low, double high);
  /// Throws config::KeyError for an option that nobody asked for.
  void require_all_known(const std::string& scheme) const;

  struct Known {
    std::string name;
    double fallback;
  };
  /// Those that were asked for.
  const std::vector<Known>& known() const { return known_; }

 private:
  std::map<std::string, double> given_;
  std::vector<Known> known_;
};

using SchemeFactory = std::unique_ptr<Scheme> (*)(SchemeOptions&);

using SchemeRegistry = Registry<SchemeFactory>;

/// All schemes. One of the four global things in Strata: scheme files add themselves before main().
SchemeRegistry& scheme_registry();

template <class S>
std::unique_ptr<Scheme> make_registered(SchemeOptions& options) {
  if constexpr (requires { S(options); }) {
    return std::make_unique<S>(options);
  } else {
    return std::make_unique<S>();
  }
}

}  // namespace strata::norm

/// At the end of a scheme's file, in namespace strata::norm. The class is constructible from SchemeOptions& or nothing.
#define STRATA_REGISTER_SCHEME(name, Class)               \
  [[maybe_unused]] static const bool Class##_registered = \
      ::strata::norm::scheme_registry().add(name, &::strata::norm::make_registered<Class>);
