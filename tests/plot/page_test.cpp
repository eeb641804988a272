#include "strata/plot/page.h"

#include <cstdlib>
#include <fstream>

#include "plot/sample_page.h"
#include "plot/xml_check.h"

namespace strata::plot {
namespace {

using testing::HasSubstr;
using testing::Not;

// From the body's begin to the script: what a page of its own has.
std::string body_of(const Page& page) {
  const std::string text = html(page);
  const size_t begin = text.find("<header>"), end = text.rfind("<script>");
  return text.substr(begin, end - begin);
}

TEST(Page, HasEveryBlock) {
  const std::string body = body_of(sample_page());
  EXPECT_THAT(body, HasSubstr("<h2>What came out</h2>"));
  EXPECT_THAT(body, HasSubstr("<div class=\"verdict\">\n<p>gpas is better.</p>\n<p>post is not.</p>"));
  EXPECT_THAT(body, HasSubstr("<p>Two\nlines.</p>"));
  EXPECT_THAT(body, HasSubstr("<th>arm</th><th class=\"right\">loss</th>"));
  EXPECT_THAT(body, HasSubstr("<tr><td>pre</td><td class=\"right\">3.01</td></tr>"));
  EXPECT_THAT(body, HasSubstr("<tr><td colspan=\"2\">&lt;/td&gt;</td></tr>"));
  EXPECT_THAT(body, HasSubstr("<summary>config</summary>\n<pre>a: 1\nb: &lt;/pre&gt;\n</pre>"));
  EXPECT_EQ(count(body, "<figure class=\"panel\">"), 6);
}

TEST(Page, TextOfUsersIsEscaped) {
  const std::string text = html(sample_page());
  EXPECT_EQ(count(text, "<script>"), 1);  // the page's own
  EXPECT_EQ(count(text, "</script>"), 1);
  EXPECT_THAT(text,
              HasSubstr("<title>A &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;page&quot;</title>"));
  EXPECT_THAT(text, Not(HasSubstr("gpas <b>")));
}

// A page is mailed, kept for years, opened on machines without a network.
TEST(Page, LoadsNothing) {
  const std::string text = html(sample_page());
  EXPECT_EQ(count(text, "http"), count(text, "http-equiv") + count(text, "http://www.w3.org/2000/svg"));
  for (const char* loads : {"<link", "@import", "url(", " src=", "fetch("}) EXPECT_THAT(text, Not(HasSubstr(loads)));
}

// Where scripts are off the first figure of each panel is seen, the legend too, and no switch that would do nothing.
TEST(Page, IsReadableWithoutScripts) {
  const std::string body = body_of(sample_page());
  EXPECT_THAT(body, HasSubstr("data-name=\"steps\">"));
  EXPECT_THAT(body, HasSubstr("data-name=\"tokens\" hidden>"));
  EXPECT_EQ(count(body, "aria-pressed=\"true\""), 3);
  EXPECT_THAT(body, HasSubstr("<div class=\"switches\" hidden>"));
}

TEST(Page, OnlyFiguresOfOtherArmsHaveALegend) {
  const std::string body = body_of(sample_page());
  EXPECT_EQ(count(body, "<g class=\"legend\">"), 1);
  EXPECT_EQ(count(body, "class=\"variant shared\""), 4);  // losses twice, accuracies, differences
}

TEST(Page, HasTheSwitchesThatItsFiguresNeed) {
  const std::string body = body_of(sample_page());
  for (const char* name : {"\"variant\" value=\"tokens\"", "\"smoothing\"", "\"singles\""}) {
    EXPECT_EQ(count(body, std::string("name=") + name), 1) << name;
  }
  Page page{.title = "t"};
  page.blocks = {Panels{{Panel::of(Intervals{.rows = {{"a", 0, 1, 0, 2}}})}}};
  EXPECT_THAT(body_of(page), Not(HasSubstr("class=\"controls\"")));
}

TEST(Page, ReloadsOnlyWhileRunsGoOn) {
  Page page = sample_page();
  EXPECT_THAT(html(page), HasSubstr("<body data-reload=\"3600\">"));
  EXPECT_THAT(html(page), HasSubstr("<noscript><meta http-equiv=\"refresh\" content=\"3600\"></noscript>"));
  page.reload_seconds.reset();
  EXPECT_THAT(html(page), HasSubstr("<body>"));
  EXPECT_THAT(html(page), Not(HasSubstr("refresh")));
}

// For page_browser_test.py, which says where to.
TEST(SamplePage, IsWritten) {
  const char* path = std::getenv("STRATA_SAMPLE_PAGE");
  if (path == nullptr) GTEST_SKIP() << "written for page_browser_test.py alone";
  std::ofstream file(path);
  file << html(sample_page());
  ASSERT_TRUE(file.flush());
}

}  // namespace
}  // namespace strata::plot
