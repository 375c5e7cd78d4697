using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;
using FilterType = Kv.Protos.Etcd.WatchCreateRequest.Types.FilterType;

namespace Kv.Etcd.Tests.Watches;

/// <summary>What is said on a stream of watches, told line by line, on etcd and on us alike.</summary>
public sealed class WatchProtocolTests
{
    public static TheoryData<string> All => [Candidates.Etcd, Candidates.KvHost];

    [Theory]
    [MemberData(nameof(All))]
    public async Task Many_watches_share_a_stream(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.CreateAsync("a");
        await talk.CreateAsync("b", "d", prevKv: true);
        await talk.CreateAsync("a", id: 7);
        await talk.CreateAsync("a");
        await talk.PutAsync("c", "1");
        await talk.HearAsync();
        await talk.PutAsync("c", "2");
        await talk.HearAsync();
        await talk.DeleteAsync("c");
        await talk.HearAsync();

        talk.Said(
            """
            created 0 at +0
            created 1 at +0
            created 7 at +0
            created 2 at +0
            events 1 at +1: PUT c=1 +1/+1/1
            events 1 at +2: PUT c=2 +1/+2/2 before 1
            events 1 at +3: DELETE c +0/+3/0 before 2
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task An_id_is_taken_once_and_the_next_free_one_is_chosen(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.CreateAsync("a", id: 1);
        await talk.CreateAsync("a");
        await talk.CreateAsync("a");
        await talk.CreateAsync("a", id: 2);
        await talk.CancelAsync(2);
        await talk.CreateAsync("a", id: 2);

        talk.Said(
            """
            created 1 at +0
            created 0 at +0
            created 2 at +0
            created -1 canceled at +0 because mvcc: duplicate watch ID provided on the WatchStream
            canceled 2 at +0
            created 2 at +0
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task An_empty_range_is_refused(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.CreateAsync("b", "b");
        await talk.CreateAsync("b", "a");
        await talk.CreateAsync("b", "c");

        talk.Said(
            """
            created -1 canceled at +0 because mvcc: watcher range is empty
            created -1 canceled at +0 because mvcc: watcher range is empty
            created 0 at +0
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task No_key_is_the_smallest_and_a_zero_byte_is_no_end(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.CreateAsync("");
        await talk.CreateAsync("", Keys.NoEnd);
        await talk.CreateAsync("b", Keys.NoEnd);
        await talk.PutAsync("\0", "1");
        await talk.HearAsync(2);
        await talk.PutAsync("a", "2");
        await talk.HearAsync();
        await talk.PutAsync("z", "3");
        await talk.HearAsync(2);

        talk.SaidInAnyOrder(
            """
            created 0 at +0
            created 1 at +0
            created 2 at +0
            events 0 at +1: PUT #00=1 +1/+1/1
            events 1 at +1: PUT #00=1 +1/+1/1
            events 1 at +2: PUT a=2 +2/+2/1
            events 1 at +3: PUT z=3 +3/+3/1
            events 2 at +3: PUT z=3 +3/+3/1
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task The_past_comes_first_and_then_what_happens(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.PutAsync("a", "1");
        await talk.PutAsync("b", "2");
        await talk.PutAsync("a", "3");
        await talk.DeleteAsync("a");
        await talk.CreateAsync("a", from: 2, prevKv: true);
        await talk.HearAsync();
        await talk.PutAsync("a", "4");
        await talk.HearAsync();

        talk.Said(
            """
            created 0 at +4
            events 0 at +4: PUT a=1 +1/+1/1; PUT a=3 +1/+3/2 before 1; DELETE a +0/+4/0 before 3
            events 0 at +5: PUT a=4 +5/+5/1
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task The_future_begins_where_it_was_asked_for(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.CreateAsync("a", from: 3);
        await talk.PutAsync("a", "1");
        await talk.PutAsync("a", "2");
        await talk.HearAsync();

        talk.Said(
            """
            created 0 at +0
            events 0 at +2: PUT a=2 +1/+2/2
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Filters_leave_puts_or_deletes_out(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.CreateAsync("a", filters: [FilterType.Noput]);
        await talk.CreateAsync("a", filters: [FilterType.Nodelete]);
        await talk.PutAsync("a", "1");
        await talk.HearAsync();
        await talk.DeleteAsync("a");
        await talk.HearAsync();

        talk.Said(
            """
            created 0 at +0
            created 1 at +0
            events 1 at +1: PUT a=1 +1/+1/1
            events 0 at +2: DELETE a +0/+2/0
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task What_was_compacted_cancels_the_watch(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.PutAsync("a", "1");
        await talk.PutAsync("a", "2");
        await talk.PutAsync("a", "3");
        await talk.CompactAsync(3);
        await talk.CreateAsync("a", from: 2, prevKv: true);
        await talk.HearAsync();
        await talk.CreateAsync("a", from: 3, prevKv: true);
        await talk.HearAsync();

        talk.Said(
            """
            created 0 at +3
            canceled 0 at 0 compacted 3
            created 1 at +3
            events 1 at +3: PUT a=2 +1/+2/2; PUT a=3 +1/+3/3 before 2
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_transaction_is_one_reply(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.PutAsync("a2", "0");
        await talk.CreateAsync("a", "b", prevKv: true);
        await talk.TransactAsync(
            new RequestOp { RequestPut = new PutRequest { Key = Keys.Of("a3"), Value = Keys.Of("1") } },
            new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Keys.Of("a2") } },
            new RequestOp { RequestPut = new PutRequest { Key = Keys.Of("a1"), Value = Keys.Of("1") } });
        await talk.HearAsync();

        talk.Said(
            """
            created 0 at +1
            events 0 at +2: PUT a3=1 +2/+2/1; DELETE a2 +0/+2/0 before 0; PUT a1=1 +2/+2/1
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Progress_is_told_when_it_is_asked_for(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.CreateAsync("a");
        await talk.AskProgressAsync();
        await talk.PutAsync("b", "1");
        await talk.AskProgressAsync();

        talk.Said(
            """
            created 0 at +0
            progress -1 at +0
            progress -1 at +1
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_cancelled_watch_says_nothing_more(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.CreateAsync("a");
        await talk.CreateAsync("a");
        await talk.CancelAsync(0);
        await talk.CancelUnknownAsync(9);
        await talk.PutAsync("a", "1");
        await talk.HearAsync();

        talk.Said(
            """
            created 0 at +0
            created 1 at +0
            canceled 0 at +0
            events 1 at +1: PUT a=1 +1/+1/1
            """);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Large_replies_come_in_parts_to_those_who_take_them(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        string large = new('x', 1_200_000);
        await talk.PutAsync("a1", large);
        await talk.PutAsync("a2", large);
        await talk.CreateAsync("a", "b", prevKv: true, fragment: true);
        await talk.DeleteAsync("a", "b");
        await talk.HearAsync(2);

        Assert.Equal(
            [
                "created 0 at +2",
                $"part of events 0 at +3: DELETE a1 +0/+3/0 before {large}",
                $"events 0 at +3: DELETE a2 +0/+3/0 before {large}",
            ],
            talk.Lines);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_client_that_asks_for_nothing_more_goes_on_hearing(string name)
    {
        using WatchConversation talk = await WatchConversation.StartAsync(name);
        await talk.CreateAsync("a");
        await talk.CompleteAsync();
        await talk.PutAsync("a", "1");
        await talk.HearAsync();

        talk.Said(
            """
            created 0 at +0
            events 0 at +1: PUT a=1 +1/+1/1
            """);
    }
}
