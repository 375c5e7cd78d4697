using Kv.Core;
using Kv.Core.Auth;
using Kv.Core.Entries;
using Kv.Core.Store;
using Kv.Host.Etcd;

namespace Kv.Host.Tests.Auth;

public sealed class AuthTokensTests
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(300);

    private readonly HandClock _clock = new();
    private readonly AuthTokens _tokens;
    private readonly AuthTable _table = Table(key: 1);

    public AuthTokensTests() => _tokens = new AuthTokens(_clock, Lifetime);

    [Fact]
    public void A_token_is_its_users_at_every_node_that_has_the_key()
    {
        string token = _tokens.Issue(_table, _table.Users["u"]);
        var other = new AuthTokens(_clock, Lifetime);

        Assert.Equal("u", other.UserOf(Table(key: 1), token)?.Name);
        Assert.Null(other.UserOf(Table(key: 2), token));
    }

    [Fact]
    public void Two_tokens_of_one_moment_differ() => Assert.NotEqual(
        _tokens.Issue(_table, _table.Users["u"]), _tokens.Issue(_table, _table.Users["u"]));

    [Fact]
    public void Whatever_is_changed_in_a_token_voids_it()
    {
        string token = _tokens.Issue(_table, _table.Users["u"]);

        Assert.All(Enumerable.Range(0, token.Length - 1), at => Assert.Null(_tokens.UserOf(
            _table, $"{token[..at]}{(token[at] == 'A' ? 'B' : 'A')}{token[(at + 1)..]}")));
        Assert.Null(_tokens.UserOf(_table, ""));
        Assert.Null(_tokens.UserOf(_table, token[..^4]));
        Assert.Null(_tokens.UserOf(_table, "no token, but words"));
        Assert.Null(_tokens.UserOf(_table, new string('A', 10_000)));
    }

    [Fact]
    public void A_token_ends_a_lifetime_after_it_was_issued_where_nobody_used_it()
    {
        string token = _tokens.Issue(_table, _table.Users["u"]);
        _clock.Advance(Lifetime + TimeSpan.FromSeconds(1));

        Assert.Null(_tokens.UserOf(_table, token));
    }

    [Fact]
    public void A_token_in_use_goes_on_and_ends_a_lifetime_after_its_last_use()
    {
        string token = _tokens.Issue(_table, _table.Users["u"]);
        for (int i = 0; i < 5; i++)
        {
            _clock.Advance(Lifetime * 0.8);
            Assert.NotNull(_tokens.UserOf(_table, token));
        }
        _clock.Advance(Lifetime + TimeSpan.FromSeconds(1));

        Assert.Null(_tokens.UserOf(_table, token));
        Assert.Null(_tokens.UserOf(_table, token));
    }

    [Fact]
    public void Another_password_voids_the_tokens_of_before()
    {
        string token = _tokens.Issue(_table, _table.Users["u"]);
        AuthTable changed = Table(key: 1, hasNewPassword: true);

        Assert.Null(_tokens.UserOf(changed, token));
        Assert.NotNull(_tokens.UserOf(changed, _tokens.Issue(changed, changed.Users["u"])));
    }

    [Fact]
    public void What_is_remembered_is_bounded_and_a_fresh_token_is_good_all_the_same()
    {
        for (int i = 0; i < AuthTokens.RememberedMax; i++)
        {
            Assert.NotNull(_tokens.UserOf(_table, _tokens.Issue(_table, _table.Users["u"])));
        }
        string oneMore = _tokens.Issue(_table, _table.Users["u"]);

        Assert.NotNull(_tokens.UserOf(_table, oneMore));
        _clock.Advance(Lifetime + TimeSpan.FromSeconds(1));
        Assert.Null(_tokens.UserOf(_table, oneMore));

        // By then the others are forgotten, and there is room for new ones.
        string next = _tokens.Issue(_table, _table.Users["u"]);
        Assert.NotNull(_tokens.UserOf(_table, next));
        _clock.Advance(Lifetime * 0.8);
        Assert.NotNull(_tokens.UserOf(_table, next));
        _clock.Advance(Lifetime * 0.8);
        Assert.NotNull(_tokens.UserOf(_table, next));
    }

    private static AuthTable Table(byte key, bool hasNewPassword = false)
    {
        var store = new KeyValueStore();
        long offset = 0;
        Apply(LogEntry.NoProducer, new Command.Found(Genesis.Empty(7)));
        Apply(LogEntry.NoProducer, new Command.Register(1, "n1"));
        List<AuthChange> changes =
        [
            new AuthChange.UserAdd("root", default),
            new AuthChange.UserGrantRole("root", "root"),
            new AuthChange.UserAdd("u", default),
            new AuthChange.Enable(Enumerable.Repeat(key, KvLimits.TokenKeyBytes).ToArray()),
        ];
        if (hasNewPassword)
        {
            changes.Insert(3, new AuthChange.UserChangePassword("u", default));
        }
        Apply(1, [.. changes.Select(static change => new Command.Auth(change))]);
        return store.Auth;

        void Apply(long producer, params Command[] commands) => store.Apply(offset++, EntryCodec.Encode(
            new LogEntry
            {
                ClusterId = 7,
                ProducerId = producer,
                Sequence = producer == LogEntry.NoProducer ? 0 : 1,
                BasisOffset = -1,
                BasisChain = Digest.Zero,
                TimestampMs = 0,
                Commands = [.. commands.Select(static command => new LoggedCommand(command))],
            }));
    }

    private sealed class HandClock : TimeProvider
    {
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch.AddYears(50);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(TimeSpan by) => _now += by;

        public override DateTimeOffset GetUtcNow() => _now;

        public override long GetTimestamp() => _now.Ticks;
    }
}
