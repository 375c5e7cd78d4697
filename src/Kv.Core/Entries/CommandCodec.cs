using System.Buffers;
using System.Text;

namespace Kv.Core.Entries;

/// <summary>
/// Commands as bytes: kind, flags, optional request id, optional principal, body with its length. See
/// docs/formats.md.
/// </summary>
internal static class CommandCodec
{
    private const byte HasRequestId = 1;
    private const byte HasPrincipal = 2;
    private const byte FlagsKnown = HasRequestId | HasPrincipal;

    /// <summary>Bytes of framing before a body: kind, flags, request id, length.</summary>
    internal const int FramingBytesMax = 1 + 1 + 24 + 4;

    /// <summary>Bytes of a principal: name, revision.</summary>
    internal static int BytesMax(Principal? principal) => principal is null
        ? 0
        : sizeof(int) + sizeof(long) + Encoding.UTF8.GetMaxByteCount(principal.User.Length);

    internal static void Write(ByteWriter writer, LoggedCommand logged, ArrayBufferWriter<byte> scratch)
    {
        writer.U8((byte)KindOf(logged.Command));
        writer.U8((byte)(
            (logged.RequestId is null ? 0 : HasRequestId) | (logged.Principal is null ? 0 : HasPrincipal)));
        if (logged.RequestId is { } id)
        {
            writer.U128(id.Id);
            writer.I64(id.IssuedAt);
        }
        if (logged.Principal is { } principal)
        {
            writer.Text(principal.User);
            writer.I64(principal.AuthRevision);
        }
        scratch.ResetWrittenCount();
        WriteBody(new ByteWriter(scratch), logged.Command);
        writer.Bytes(scratch.WrittenSpan);
    }

    /// <exception cref="FormatException">The bytes are no command this build knows.</exception>
    internal static LoggedCommand Read(ref ByteReader reader)
    {
        var kind = (CommandKind)reader.U8();
        byte flags = reader.U8();
        if ((flags & ~FlagsKnown) != 0)
        {
            throw new FormatException($"Command flags {flags:x2} are from a newer build.");
        }
        RequestId? requestId = (flags & HasRequestId) == 0 ? null : new RequestId(
            reader.U128(), reader.I64());
        Principal? principal = (flags & HasPrincipal) == 0 ? null : new Principal(
            reader.Text(reader.Left), reader.I64());
        var body = new ByteReader(reader.Bytes());
        Command command = ReadBody(kind, ref body);
        if (body.Left != 0)
        {
            throw new FormatException($"{body.Left} bytes too many behind a {kind} command.");
        }
        return new LoggedCommand(command, requestId, principal);
    }

    /// <summary>An upper bound of the command's bytes in an entry.</summary>
    internal static int BytesMax(Command command) => FramingBytesMax + command switch
    {
        Command.Set set => sizeof(int) + set.Key.Length + set.Value.Length,
        Command.Get get => get.Key.Length,
        Command.Del del => del.Key.Length,
        _ => Math.Max(128, KeyCommandCodec.BytesMax(command)),
    };

    internal static CommandKind KindOf(Command command) => command switch
    {
        Command.Set => CommandKind.Set,
        Command.Get => CommandKind.Get,
        Command.Del => CommandKind.Del,
        Command.Print => CommandKind.Print,
        Command.Barrier => CommandKind.Barrier,
        Command.Register => CommandKind.Register,
        Command.Close => CommandKind.Close,
        Command.Found => CommandKind.Found,
        Command.SnapshotTaken => CommandKind.SnapshotTaken,
        Command.ClusterVersion => CommandKind.ClusterVersion,
        Command.ClusterSize => CommandKind.ClusterSize,
        _ => KeyCommandCodec.KindOf(command),
    };

    /// <summary>Tells commands apart: kind and body, without who asked and the request id.</summary>
    internal static Digest DigestOf(Command command)
    {
        var bytes = new ArrayBufferWriter<byte>(BytesMax(command));
        var writer = new ByteWriter(bytes);
        writer.U8((byte)KindOf(command));
        WriteBody(writer, command);
        return Digest.Of(bytes.WrittenSpan);
    }

    private static void WriteBody(ByteWriter body, Command command)
    {
        switch (command)
        {
            case Command.Set set:
                body.Bytes(set.Key.Span);
                body.Raw(set.Value.Span);
                break;
            case Command.Get get:
                body.Raw(get.Key.Span);
                break;
            case Command.Del del:
                body.Raw(del.Key.Span);
                break;
            case Command.Register register:
                body.U128(register.Nonce);
                body.Text(register.NodeId);
                break;
            case Command.Close close:
                body.I64(close.ProducerId);
                break;
            case Command.Found found:
                WriteGenesis(body, found.Genesis);
                break;
            case Command.SnapshotTaken taken:
                body.Text(taken.NodeId);
                body.I64(taken.Offset);
                body.I64(taken.LogBytes);
                break;
            case Command.ClusterVersion version:
                body.I32(version.Version);
                break;
            case Command.ClusterSize size:
                body.I32(size.Members);
                break;
            default:
                KeyCommandCodec.Write(body, command);
                break;
        }
    }

    private static Command ReadBody(CommandKind kind, ref ByteReader body) => kind switch
    {
        CommandKind.Set => new Command.Set(body.Bytes(), body.Rest()),
        CommandKind.Get => new Command.Get(body.Rest()),
        CommandKind.Del => new Command.Del(body.Rest()),
        CommandKind.Print => new Command.Print(),
        CommandKind.Barrier => new Command.Barrier(),
        CommandKind.Register => new Command.Register(body.U128(), body.Text(KvLimits.NodeIdBytesMax)),
        CommandKind.Close => new Command.Close(body.I64()),
        CommandKind.Found => new Command.Found(ReadGenesis(ref body)),
        CommandKind.SnapshotTaken => new Command.SnapshotTaken(
            body.Text(KvLimits.NodeIdBytesMax), body.I64(), body.I64()),
        CommandKind.ClusterVersion => new Command.ClusterVersion(body.I32()),
        CommandKind.ClusterSize => new Command.ClusterSize(body.I32()),
        _ => KeyCommandCodec.Read(kind, ref body),
    };

    internal static void WriteGenesis(ByteWriter body, Genesis genesis)
    {
        body.U64(genesis.ClusterId);
        body.Digest(genesis.Base);
        body.I32(genesis.ApplyVersion);
        body.I32(genesis.ClusterSize);
        body.I32(genesis.RequestBytesMax);
        body.I32(genesis.ProducersMax);
        body.I32(genesis.RequestIdsMax);
    }

    internal static Genesis ReadGenesis(ref ByteReader body)
    {
        var genesis = new Genesis(
            body.U64(), body.Digest(), body.I32(), body.I32(), body.I32(), body.I32(), body.I32());
        if (genesis.ClusterId == 0
            || genesis.ClusterSize < 0
            || genesis.RequestBytesMax < 1
            || genesis.ProducersMax < 1
            || genesis.RequestIdsMax < 1)
        {
            throw new FormatException("A genesis has a limit or a cluster id out of range.");
        }
        return genesis;
    }
}
