using Google.Protobuf;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Differential;

/// <summary>One of the two servers of a comparison, spoken to in handles.</summary>
/// <param name="ask">Makes the call.</param>
/// <param name="translation">This server's own.</param>
internal sealed class Side(Func<IMessage, Task<Answer>> ask, Translation translation)
{
    /// <summary>The only writer: what was there before counts as revision 0.</summary>
    public static async Task<Side> AloneAsync(Func<IMessage, Task<Answer>> ask)
    {
        Answer first = await ask(new RangeRequest { Key = Keys.Of("start") });
        long start = ((RangeResponse)((Answer.Reply)first).Message).Header.Revision;
        return new Side(ask, new Translation(new LinearRevisions(start), new LeaseMap()));
    }

    /// <summary>One session among several.</summary>
    public static Side AmongOthers(Func<IMessage, Task<Answer>> ask) =>
        new(ask, new Translation(new SessionRevisions(), new LeaseMap()));

    public Translation Translation => translation;

    /// <summary>The answer as text that is the same on every server that behaves the same.</summary>
    public async Task<string> AskAsync(IMessage request) =>
        translation.Describe(request, await ask(translation.ToServer(request)));
}
