using System.Globalization;
using Kv.Cli.Lines;
using Kv.Protos.Etcd;

namespace Kv.Cli.Etcd;

/// <summary>
/// The lines of a transaction as etcdctl has them: compares such as <c>mod("k") > "0"</c>, and commands such
/// as <c>put k v</c>. Pure.
/// </summary>
internal static class TxnGrammar
{
    private const string CompareForm =
        "write a compare as TARGET(\"KEY\") OP \"VALUE\" with val, ver, create, mod or lease, and =, !=, < "
        + "or >; such as mod(\"k\") > \"0\".";

    private const string OpForm = "the commands of a transaction are put, get (or range) and del.";

    /// <exception cref="UsageException">The line is no compare.</exception>
    public static Compare ParseCompare(string line)
    {
        int open = line.IndexOf('(', StringComparison.Ordinal);
        if (open < 0)
        {
            throw Malformed(line);
        }

        (string key, string rest) = TakeWord(line[(open + 1)..], line, until: ')');
        rest = rest.TrimStart();
        if (!rest.StartsWith(')'))
        {
            throw Malformed(line);
        }

        rest = rest[1..].TrimStart();
        string op = rest[..Math.Min(rest is ['!' or '=', '=', ..] ? 2 : 1, rest.Length)];
        (string value, string behind) = TakeWord(rest[op.Length..], line, until: null);
        if (behind.Trim().Length > 0)
        {
            throw Malformed(line);
        }

        var compare = new Compare
        {
            Key = EtcdBytes.FromWord(key, isBase64: false),
            Result = op switch
            {
                "=" or "==" => Compare.Types.CompareResult.Equal,
                "!=" => Compare.Types.CompareResult.NotEqual,
                "<" => Compare.Types.CompareResult.Less,
                ">" => Compare.Types.CompareResult.Greater,
                _ => throw Malformed(line),
            },
        };
        SetTarget(compare, line[..open].Trim(), value, line);
        return compare;
    }

    /// <exception cref="UsageException">The line is no command that a transaction takes.</exception>
    public static RequestOp ParseOp(string line)
    {
        var scanner = new LineScanner(line);
        scanner.TryNext(out Word verb);
        var options = new CommandOptions(verb.Text, scanner.TakeAll());
        RequestOp op = verb.Text.ToUpperInvariant() switch
        {
            "PUT" => new RequestOp { RequestPut = EtcdParser.Put(options) },
            "GET" or "RANGE" => new RequestOp { RequestRange = EtcdParser.Range(options) },
            "DEL" => new RequestOp { RequestDeleteRange = EtcdParser.Delete(options) },
            _ => throw new UsageException($"{KeyText.Show(verb.Text)} is none: {OpForm}"),
        };
        options.RefuseRest();
        return op;
    }

    private static void SetTarget(Compare compare, string target, string value, string line)
    {
        switch (target.ToUpperInvariant())
        {
            case "VER" or "VERSION":
                compare.Target = Compare.Types.CompareTarget.Version;
                compare.Version = Number();
                break;
            case "C" or "CREATE":
                compare.Target = Compare.Types.CompareTarget.Create;
                compare.CreateRevision = Number();
                break;
            case "M" or "MOD":
                compare.Target = Compare.Types.CompareTarget.Mod;
                compare.ModRevision = Number();
                break;
            case "VAL" or "VALUE":
                compare.Target = Compare.Types.CompareTarget.Value;
                compare.Value = EtcdBytes.FromWord(value, isBase64: false);
                break;
            case "LEASE":
                compare.Target = Compare.Types.CompareTarget.Lease;
                compare.Lease = value == "0" ? 0 : EtcdBytes.ParseLease(value);
                break;
            default:
                throw Malformed(line);
        }

        long Number() =>
            long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
                ? number
                : throw Malformed(line);
    }

    /// <summary>A quoted word, or what stands up to an end or white space; and what is behind it.</summary>
    private static (string Word, string Behind) TakeWord(string text, string line, char? until)
    {
        string trimmed = text.TrimStart();
        if (trimmed.Length == 0)
        {
            throw Malformed(line);
        }

        if (trimmed[0] is '"' or '\'')
        {
            int close = 1;
            while (close < trimmed.Length && trimmed[close] != trimmed[0])
            {
                close += trimmed[0] == '"' && trimmed[close] == '\\' ? 2 : 1;
            }

            if (close >= trimmed.Length)
            {
                throw Malformed(line);
            }

            string quoted = trimmed[..(close + 1)];
            string word = trimmed[0] == '"' ? JsonText.Unquote(quoted) : quoted[1..^1];
            return (word, trimmed[(close + 1)..]);
        }

        int end = 0;
        while (end < trimmed.Length && trimmed[end] != until && !char.IsWhiteSpace(trimmed[end]))
        {
            end++;
        }

        return end > 0 ? (trimmed[..end], trimmed[end..]) : throw Malformed(line);
    }

    private static UsageException Malformed(string line) =>
        new($"{line.Trim()} is no compare: {CompareForm}");
}
