using Kv.Protos.Etcd;

namespace Kv.Cli.Etcd;

/// <summary>
/// Reads a transaction in etcdctl's form: compares, a blank line, the commands if all of them hold, a blank
/// line, the commands if not, a blank line or the end.
/// </summary>
/// <param name="next">The next line, after the words that ask for it; null at the end.</param>
/// <param name="complain">
/// Told of a line that is not understood, which may then be written again; null: the first such line spoils
/// the transaction, of which all is read nevertheless.
/// </param>
internal sealed class TxnReader(Func<string, Task<string?>> next, Action<UsageException>? complain)
{
    private UsageException? _first;

    /// <exception cref="UsageException">A line is not understood.</exception>
    public async Task<TxnRequest> ReadAsync()
    {
        var request = new TxnRequest();
        _ = await ReadSectionAsync(
                "compares>", line => request.Compare.Add(TxnGrammar.ParseCompare(line)))
            && await ReadSectionAsync("success>", line => request.Success.Add(TxnGrammar.ParseOp(line)))
            && await ReadSectionAsync("failure>", line => request.Failure.Add(TxnGrammar.ParseOp(line)));
        return _first is null ? request : throw _first;
    }

    /// <returns>Whether there may be another section.</returns>
    private async Task<bool> ReadSectionAsync(string prompt, Action<string> take)
    {
        while (await next(prompt) is { } line)
        {
            string text = line.Trim();
            if (text.Length == 0)
            {
                return true;
            }

            if (text[0] == '#')
            {
                continue;
            }

            try
            {
                take(text);
            }
            catch (UsageException error) when (complain is not null)
            {
                complain(error);
            }
            catch (UsageException error)
            {
                _first ??= error;
            }
        }

        return false;
    }
}
