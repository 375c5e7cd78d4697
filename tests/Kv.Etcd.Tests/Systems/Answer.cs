using Google.Protobuf;
using Grpc.Core;

namespace Kv.Etcd.Tests.Systems;

/// <summary>What came of a call.</summary>
internal abstract record Answer
{
    private Answer() { }

    public sealed record Reply(IMessage Message) : Answer;

    public sealed record Refusal(StatusCode Code, string Text) : Answer;
}
