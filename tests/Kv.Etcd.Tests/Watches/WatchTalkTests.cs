using Google.Protobuf;
using Grpc.Core;
using Kv.Etcd.Tests.Differential;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;
using FilterType = Kv.Protos.Etcd.WatchCreateRequest.Types.FilterType;

namespace Kv.Etcd.Tests.Watches;

/// <summary>
/// One stream of watches, message by message, on a real etcd and on a candidate: creations, cancellations,
/// refusals, catching up, and what comes of writes.
/// </summary>
public sealed class WatchTalkTests
{
    /// <summary>Longest wait for one message, s.</summary>
    private const int MessageSecondsMax = 20;

    /// <summary>
    /// A message to send, or a call to make, and how many messages come of it. One more would be taken for
    /// the next step's; behind the last step there is none to take it for.
    /// </summary>
    private sealed record Step(IMessage Request, int Messages);

    private static readonly Step[] Talk =
    [
        Call(new PutRequest { Key = Keys.Of("a"), Value = Keys.Of("1") }),
        Call(new PutRequest { Key = Keys.Of("b"), Value = Keys.Of("1") }),
        Call(new PutRequest { Key = Keys.Of("a"), Value = Keys.Of("2") }),
        Call(new DeleteRangeRequest { Key = Keys.Of("b") }),
        Call(new PutRequest { Key = Keys.Of("c"), Value = Keys.Of("1") }),
        Call(new CompactionRequest { Revision = 2 }),
        // From now on; the server chooses the ids.
        Create(new WatchCreateRequest { Key = Keys.Of("a") }),
        Create(new WatchCreateRequest { Key = Keys.Of("a"), RangeEnd = Keys.Of("c"), PrevKv = true }),
        // No key is the lowest one.
        Create(new WatchCreateRequest()),
        Create(new WatchCreateRequest { RangeEnd = Keys.Of(Keys.NoEnd), Filters = { FilterType.Noput } }),
        // Chosen ids, one of them twice.
        Create(new WatchCreateRequest { Key = Keys.Of("x"), WatchId = 7 }),
        Create(new WatchCreateRequest { Key = Keys.Of("y"), WatchId = 7 }),
        Create(new WatchCreateRequest { Key = Keys.Of("y"), WatchId = 5 }),
        Create(new WatchCreateRequest { Key = Keys.Of("z") }),
        // Ranges that hold nothing.
        Create(new WatchCreateRequest { Key = Keys.Of("b"), RangeEnd = Keys.Of("a") }),
        Create(new WatchCreateRequest { Key = Keys.Of("b"), RangeEnd = Keys.Of("b") }),
        // From the past: all at once; from before the compaction; from the future.
        Create(new WatchCreateRequest { Key = Keys.Of("a"), RangeEnd = Keys.Of("d"), StartRevision = 3 }, 2),
        Create(
            new WatchCreateRequest
            {
                Key = Keys.Of("a"),
                RangeEnd = Keys.Of("d"),
                StartRevision = 3,
                PrevKv = true,
                Filters = { FilterType.Nodelete },
            },
            2),
        Create(new WatchCreateRequest { Key = Keys.Of("a"), StartRevision = 1 }, 2),
        Create(new WatchCreateRequest { Key = Keys.Of("a"), StartRevision = 7 }),
        Create(new WatchCreateRequest
        {
            Key = Keys.Of("d"),
            Filters = { FilterType.Nodelete, FilterType.Noput },
        }),
        // Cancelled, again, and what never was.
        Send(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = 7 } }, 1),
        Send(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = 7 } }, 0),
        Send(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = 99 } }, 0),
        Send(new WatchRequest(), 0),
        // Progress is asked for when nobody waits for the future: then etcd tells it from 3.5 on, and we,
        // when that has come.
        // Both watches of the past and the ones of "a".
        Call(new PutRequest { Key = Keys.Of("a"), Value = Keys.Of("3") }, 4),
        // The one that waited for this revision, too.
        Call(new PutRequest { Key = Keys.Of("a"), Value = Keys.Of("4") }, 5),
        Call(new DeleteRangeRequest { Key = Keys.Of("a"), RangeEnd = Keys.Of(Keys.NoEnd) }, 5),
        Call(
            new TxnRequest
            {
                Success =
                {
                    new RequestOp { RequestPut = new PutRequest { Key = Keys.Of("b") } },
                    new RequestOp { RequestPut = new PutRequest { Key = Keys.Of("a") } },
                    new RequestOp { RequestPut = new PutRequest { Key = Keys.Of("\0") } },
                },
            },
            6),
        Call(new PutRequest { Key = Keys.Of("d") }),
        Call(new DeleteRangeRequest { Key = Keys.Of("nothing") }),
        Send(new WatchRequest { ProgressRequest = new WatchProgressRequest() }, 1),
    ];

    public static TheoryData<string> All => Candidates.All;

    [Theory]
    [MemberData(nameof(All))]
    public async Task Every_message_is_as_etcd_sends_it(string name)
    {
        using EtcdPair pair = await EtcdPair.StartAsync(name);

        IReadOnlyList<string>[] said = await Task.WhenAll(TalkAsync(pair.Etcd), TalkAsync(pair.Candidate));

        IEnumerable<string> differences = said[0].Zip(said[1])
            .Where(static both => both.First != both.Second)
            .Select(both => $"etcd:\n{both.First}\n{name}:\n{both.Second}");
        Assert.True(!differences.Any(), string.Join("\n\n", differences));
    }

    private static async Task<IReadOnlyList<string>> TalkAsync(EtcdSystem system)
    {
        Side side = await Side.AloneAsync(system.Endpoint.AskAsync);
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> stream = system.Endpoint.Watch.Watch();
        List<string> said = [];
        foreach (Step step in Talk)
        {
            string answer = "";
            if (step.Request is WatchRequest request)
            {
                await stream.RequestStream.WriteAsync((WatchRequest)side.Translation.ToServer(request));
            }
            else
            {
                answer = await side.AskAsync(step.Request);
            }
            List<string> messages = [];
            for (int i = 0; i < step.Messages; i++)
            {
                messages.Add(await NextAsync(stream.ResponseStream, side)
                    ?? throw new TimeoutException(
                        $"{system.Endpoint.Target} sent {i} of {step.Messages} messages for {step.Request}: "
                        + $"{string.Join('\n', messages)}\nBefore:\n{string.Join('\n', said)}"));
            }
            // Between watches there is no order.
            said.Add(string.Join('\n', [$"{step.Request}", answer, .. messages.Order()]));
        }
        return said;
    }

    // Null: it did not come, and the stream is of no use any more.
    private static async Task<string?> NextAsync(IAsyncStreamReader<WatchResponse> messages, Side side)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(MessageSecondsMax));
        try
        {
            return await messages.MoveNext(patience.Token)
                ? side.Translation.Describe(messages.Current)
                : "the end";
        }
        catch (RpcException) when (patience.IsCancellationRequested)
        {
            return null;
        }
    }

    private static Step Call(IMessage request, int messages = 0) => new(request, messages);

    private static Step Send(WatchRequest request, int messages) => new(request, messages);

    private static Step Create(WatchCreateRequest create, int messages = 1) =>
        new(new WatchRequest { CreateRequest = create }, messages);
}
