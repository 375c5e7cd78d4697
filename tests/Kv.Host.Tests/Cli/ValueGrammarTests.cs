using Kv.Cli;
using Kv.Cli.Lines;

namespace Kv.Host.Tests.Cli;

public sealed class ValueGrammarTests
{
    [Theory]
    [InlineData("1")]
    [InlineData("-1.50e+3")]
    [InlineData("12345678901234567890123456789.00")]
    [InlineData("null")]
    [InlineData("{\"a\": [1, 2]}")]
    [InlineData("\"two words\"")]
    [InlineData("\"tab\\there\"")]
    public void JSON_is_taken_byte_for_byte(string rest) => Assert.Equal(rest, ValueGrammar.FromRest(rest));

    [Theory]
    [InlineData("hello", "\"hello\"")]
    [InlineData("it's", "\"it's\"")]
    [InlineData("01", "\"01\"")]
    [InlineData("True", "\"True\"")]
    [InlineData("a\"b\\c", "\"a\\\"b\\\\c\"")]
    [InlineData("grüße-日本-😀", "\"grüße-日本-😀\"")]
    public void A_bare_word_that_is_no_JSON_is_a_string(string rest, string json) =>
        Assert.Equal(json, ValueGrammar.FromRest(rest));

    [Theory]
    [InlineData("'two words'", "\"two words\"")]
    [InlineData("' spaces stay '", "\" spaces stay \"")]
    [InlineData("'{\"a\": 1}'", "{\"a\": 1}")]
    [InlineData("'1'", "1")]
    [InlineData("''", "\"\"")]
    public void Single_quotes_only_group(string rest, string json) =>
        Assert.Equal(json, ValueGrammar.FromRest(rest));

    [Theory]
    [InlineData("{\"a\": }")]
    [InlineData("[1, 2")]
    [InlineData("'[red]'")]
    [InlineData("\"not closed")]
    public void What_begins_like_JSON_and_is_not_is_refused_with_a_way_to_store_it(string rest)
    {
        var error = Assert.Throws<UsageException>(() => ValueGrammar.FromRest(rest));

        Assert.Contains("begins like JSON", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_way_offered_to_store_broken_JSON_as_text_works()
    {
        var error = Assert.Throws<UsageException>(() => ValueGrammar.FromRest("{say: \"hi\"}"));
        string offered = error.Message[error.Message.LastIndexOf(" \"{", StringComparison.Ordinal)..].Trim();

        Assert.Equal("{say: \"hi\"}", JsonText.Unquote(ValueGrammar.FromRest(offered)));
    }

    [Theory]
    [InlineData("two words", "quotes")]
    [InlineData("'one' two", "quotes")]
    [InlineData("'not closed", "not closed")]
    [InlineData("'a'b", "space")]
    public void Words_that_no_quotes_hold_together_are_refused(string rest, string reason)
    {
        var error = Assert.Throws<UsageException>(() => ValueGrammar.FromRest(rest));

        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("two words", "\"two words\"")]
    [InlineData(" {\"a\":1} ", "{\"a\":1}")]
    [InlineData("\"1\"", "\"1\"")]
    [InlineData("'quoted'", "\"'quoted'\"")]
    [InlineData("", "\"\"")]
    public void An_argument_needs_no_quotes_as_the_shell_has_taken_them(string text, string json) =>
        Assert.Equal(json, ValueGrammar.FromText(text));
}
