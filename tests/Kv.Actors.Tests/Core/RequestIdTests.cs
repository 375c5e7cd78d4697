using Kv.Core.Entries;

namespace Kv.Actors.Tests.Core;

public sealed class RequestIdTests
{
    [Theory]
    [InlineData("0123456789abcdef0123456789abcdef", 0)]
    [InlineData("01234567-89ab-cdef-0123-456789abcdef", 0)]
    [InlineData("42-01234567-89ab-cdef-0123-456789ABCDEF", 42)]
    [InlineData("42-0123456789abcdef0123456789abcdef", 42)]
    [InlineData("12345678-0123456789abcdef0123456789abcdef", 12345678)]
    public void A_uuid_with_or_without_a_revision_is_a_request_id(string text, long issuedAt)
    {
        Assert.True(RequestId.TryParse(text, out RequestId id));

        Assert.Equal(UInt128.Parse(
            "0123456789abcdef0123456789abcdef", System.Globalization.NumberStyles.HexNumber), id.Id);
        Assert.Equal(issuedAt, id.IssuedAt);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("0123456789abcdef0123456789abcde")]
    [InlineData("0123456789abcdef0123456789abcdefa")]
    [InlineData("-1-0123456789abcdef0123456789abcdef")]
    [InlineData("x1-0123456789abcdef0123456789abcdef")]
    [InlineData("99999999999999999999-0123456789abcdef0123456789abcdef")]
    public void Anything_else_is_none(string text) => Assert.False(RequestId.TryParse(text, out _));

    [Fact]
    public void What_it_prints_can_be_read_again()
    {
        var id = new RequestId(123456789, 77);

        Assert.True(RequestId.TryParse(id.ToString(), out RequestId again));

        Assert.Equal(id, again);
    }
}
