using Kv.Core;
using Kv.Core.Entries;
using Kv.Core.Store;

namespace Kv.Actors.Tests.Core;

public sealed class RequestTableTests
{
    private readonly KeyValueStore _store = new();
    private long _offset;
    private long _sequence;

    public RequestTableTests()
    {
        _store.Apply(_offset++, Entries.Genesis());
        _store.Apply(_offset++, Entries.Register());
    }

    [Fact]
    public void A_repetition_gets_the_first_answer_and_changes_nothing()
    {
        Reply first = Apply(Entries.Set("a", "1"), new RequestId(9, 0));
        Apply(Entries.Set("a", "2"), requestId: null);

        Reply again = Apply(Entries.Set("a", "1"), new RequestId(9, 0));

        Assert.Equal(first, again);
        Assert.Equal("2"u8.ToArray(), _store.Get("a"u8)!.Value.ToArray());
    }

    [Fact]
    public void One_id_names_one_command()
    {
        Apply(Entries.Set("a", "1"), new RequestId(9, 0));

        Reply other = Apply(Entries.Set("a", "2"), new RequestId(9, 0));

        Assert.Equal(StoreError.RequestIdReused, Assert.IsType<Reply.Refused>(other).Error);
    }

    [Fact]
    public void What_may_have_been_forgotten_is_refused_as_expired()
    {
        Apply(Entries.Set("a", "1"), new RequestId(1, 0));
        Fill();

        Reply repetition = Apply(Entries.Set("a", "1"), new RequestId(1, 0));

        Assert.Equal(StoreError.RequestIdExpired, Assert.IsType<Reply.Refused>(repetition).Error);
    }

    [Fact]
    public void An_id_issued_above_the_floor_is_new()
    {
        Apply(Entries.Set("a", "1"), new RequestId(1, 0));
        Fill();

        Reply reply = Apply(Entries.Set("a", "3"), new RequestId(2, _store.Requests.Floor));

        Assert.IsType<Reply.Done>(reply);
    }

    [Fact]
    public void A_forgotten_deletion_that_found_nothing_is_not_applied_later_on()
    {
        var id = new RequestId(1, _store.Revision);
        Apply(Entries.Del("a"), id);
        Fill();
        Apply(Entries.Set("a", "1"), requestId: null);

        Reply repetition = Apply(Entries.Del("a"), id);

        Assert.Equal(StoreError.RequestIdExpired, Assert.IsType<Reply.Refused>(repetition).Error);
        Assert.NotNull(_store.Get("a"u8));
    }

    [Fact]
    public void After_any_number_of_deletions_that_find_nothing_a_new_id_is_still_taken()
    {
        long issuedAt = _store.Revision;
        for (int i = 0; i < 2; i++)
        {
            LoggedCommand[] commands =
            [
                .. Enumerable.Range(0, KvLimits.RequestIdsMax).Select(k => new LoggedCommand(
                    Entries.Del("a"), new RequestId((UInt128)(((ulong)i << 32) + (ulong)k), issuedAt))),
            ];
            foreach (LoggedCommand[] chunk in commands.Chunk(KvLimits.EntryCommandsMax))
            {
                issuedAt = Apply(chunk)[^1].Revision;
            }
        }

        Reply reply = Apply(Entries.Set("a", "1"), new RequestId(UInt128.MaxValue, _store.Revision));

        Assert.IsType<Reply.Done>(reply);
    }

    [Fact]
    public void The_table_is_bounded()
    {
        Fill();
        Fill();

        Assert.Equal(KvLimits.RequestIdsMax, _store.Requests.Count);
    }

    // Ids enough to make the table forget whatever was in it.
    private void Fill()
    {
        long issuedAt = _store.Revision;
        UInt128 start = (UInt128)_offset << 64;
        LoggedCommand[] commands =
        [
            .. Enumerable.Range(0, KvLimits.RequestIdsMax).Select(i => new LoggedCommand(
                Entries.Set("fill", "0"), new RequestId(start + (UInt128)i, issuedAt))),
        ];
        foreach (LoggedCommand[] chunk in commands.Chunk(KvLimits.EntryCommandsMax))
        {
            Apply(chunk);
        }
    }

    private Reply Apply(Command command, RequestId? requestId) =>
        Apply([new LoggedCommand(command, requestId)])[0];

    private IReadOnlyList<Reply> Apply(LoggedCommand[] commands)
    {
        LogEntry entry = Entries.Entry(
            Entries.ClusterId, producerId: 1, ++_sequence) with { Commands = commands };
        return _store.Apply(_offset++, EntryCodec.Encode(entry)).Replies;
    }
}
