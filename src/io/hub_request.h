#pragma once

#include <string>

#include "http.h"
#include "strata/io/hub.h"

namespace strata::io {

/// What downloads the file. Throws Error for a token that no header can hold.
HttpRequest download_request(const HubPath& file);

/// What the hub means by an answer that has no file or listing; empty: nothing that is not said already.
std::string explain_answer(const HubPath& path, const HttpRequest& request, const Transfer& answer);

}  // namespace strata::io
