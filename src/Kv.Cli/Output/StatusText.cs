using Kv.Protos.V1;

namespace Kv.Cli.Output;

/// <summary>A node's status for a person: one fact a line, then one member a line.</summary>
internal static class StatusText
{
    public static void Write(TextWriter writer, StatusReply status, Palette palette)
    {
        string state = TerminalText.Escape(status.State);
        string paintedState = palette.Paint(state == "ready" ? Tone.Good : Tone.Bad, state);
        Fact("node", TerminalText.Escape(status.Node));
        Fact("mode", TerminalText.Escape(status.Mode));
        Fact("state", status.Reason.Length == 0
            ? paintedState
            : $"{paintedState} ({TerminalText.Escape(status.Reason)})");
        Fact("cluster", TerminalText.Escape(status.ClusterId));
        Fact("applied offset", $"{status.AppliedOffset}");
        Fact("lag", $"{status.Lag}");
        Fact("revision", $"{status.Revision}");
        Fact("order", $"{status.Order}");
        Fact("keys", $"{status.Keys}");
        Fact("digest", TerminalText.Escape(status.Digest));
        Fact("version", TerminalText.Escape(status.Version));
        if (status.Log is { ClusterVersion: > 0 } log)
        {
            Fact("cluster size", log.ClusterSize > 0 ? $"{log.ClusterSize}" : "not said");
            Fact("cluster version", $"{log.ClusterVersion}");
            Fact("covered offset", log.CoveredOffset >= 0 ? $"{log.CoveredOffset}" : "none");
            Fact("uncovered bytes", $"{log.UncoveredBytes}");
            Fact("skipped", log.Skipped > 0
                ? $"{log.Skipped} (offsets {string.Join(", ", log.SkippedOffsets)})"
                : "");
        }

        WriteMembers(Fact, status, palette);

        void Fact(string name, string value) => WriteFact(writer, palette, name, value);
    }

    /// <summary>What stands below a print: who answered, its members, alarms.</summary>
    public static void WriteBelow(TextWriter writer, StatusReply status, Palette palette)
    {
        Fact("node", TerminalText.Escape(Line(
            status.Node,
            status.Mode,
            status.State,
            $"offset {status.AppliedOffset}",
            $"lag {status.Lag}",
            $"revision {status.Revision}",
            status.Digest.Length > 0 ? $"digest {status.Digest}" : "")));
        WriteMembers(Fact, status, palette);

        void Fact(string name, string value) =>
            WriteFact(writer, palette, name, palette.Paint(Tone.Dim, value));
    }

    private static void WriteMembers(Action<string, string> fact, StatusReply status, Palette palette)
    {
        foreach (Member member in status.Members)
        {
            fact("member", TerminalText.Escape(Line(
                member.Node,
                member.Url,
                member.Mode,
                member.State,
                $"offset {member.AppliedOffset}",
                $"lag {member.Lag}",
                $"revision {member.Revision}",
                member.Digest.Length > 0 ? $"digest {member.Digest}" : "",
                member.LastSeenMs > 0 ? $"seen {member.LastSeenMs} ms ago" : "")));
        }

        foreach (string alarm in status.Alarms)
        {
            fact("alarm", palette.Paint(Tone.Bad, TerminalText.Escape(alarm)));
        }
    }

    private static string Line(params string[] facts) =>
        string.Join("  ", facts.Where(static fact => fact.Length > 0));

    private static void WriteFact(TextWriter writer, Palette palette, string name, string value)
    {
        if (value.Length > 0)
        {
            writer.Write($"{palette.Paint(Tone.Dim, name.PadRight(15))} {value}\n");
        }
    }
}
