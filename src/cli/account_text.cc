#include "cli/account_text.h"

#include "base/error.h"

namespace qk {

std::string account_text(const WhoAmI& me, const std::string& token_origin) {
  std::string out = printable(me.name) + ", token from " + printable(token_origin, 300);
  if (!me.token_role.empty()) out += ", role " + printable(me.token_role);
  for (const std::string& scope : me.write_scopes) {
    out += (&scope == &me.write_scopes.front() ? ", may write to " : ", ") + printable(scope);
  }
  for (const Organisation& one : me.organisations) {
    out += (&one == &me.organisations.front() ? "; organisations: " : ", ") + printable(one.name);
    if (!one.role.empty()) out += " (" + printable(one.role) + ")";
  }
  return out;
}

}  // namespace qk
