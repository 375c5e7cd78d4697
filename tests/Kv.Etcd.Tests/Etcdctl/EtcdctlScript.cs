namespace Kv.Etcd.Tests.Etcdctl;

/// <summary>
/// A session with etcdctl, from a file. Each line begins with what it is:
/// <code>
/// # a comment
/// $ get key              runs etcdctl and compares its output and exit code
/// | text                 a line of standard input of the command above, or of what was waited for
/// = NAME lease grant 60  runs it, and {NAME} is the lease's id from now on
/// &amp; NAME watch key       runs it in the background
/// ? NAME text            waits until what runs in the background has written the text
/// ! NAME                 interrupts it and compares its output
/// ~ TEXT get key         runs it again and again until its output has the word
/// </code>
/// Arguments are parted by blanks; quotation marks keep them together. {endpoint} and {directory} are the
/// server's, {directory} being one of its own for files.
/// </summary>
internal sealed record EtcdctlScript(IReadOnlyList<EtcdctlStep> Steps)
{
    public static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Etcdctl", "Scripts");

    public static EtcdctlScript Load(string name) => Parse(File.ReadAllLines(Path.Combine(Folder, name)));

    public static EtcdctlScript Parse(IEnumerable<string> lines)
    {
        List<EtcdctlStep> steps = [];
        foreach (string line in lines.Where(static line => line.Length > 0 && line[0] != '#'))
        {
            if (line[0] == '|')
            {
                EtcdctlStep last = steps[^1];
                steps[^1] = last with { Input = $"{last.Input}{(line.Length > 2 ? line[2..] : "")}\n" };
                continue;
            }
            steps.Add(ParseStep(line));
        }
        return new EtcdctlScript(steps);
    }

    private static EtcdctlStep ParseStep(string line)
    {
        string rest = line[2..];
        if (line[0] == '$')
        {
            return new EtcdctlStep(line, StepKind.Run, "", Split(rest));
        }
        string name = rest.Split(' ')[0];
        string behind = rest.Length > name.Length ? rest[(name.Length + 1)..] : "";
        return line[0] switch
        {
            '=' => new EtcdctlStep(line, StepKind.Grant, name, Split(behind)),
            '&' => new EtcdctlStep(line, StepKind.Start, name, Split(behind)),
            '?' => new EtcdctlStep(line, StepKind.Await, name, [behind]),
            '!' => new EtcdctlStep(line, StepKind.Interrupt, name, []),
            '~' => new EtcdctlStep(line, StepKind.Repeat, name, Split(behind)),
            _ => throw new FormatException($"No line of a script begins so: {line}"),
        };
    }

    private static List<string> Split(string text)
    {
        List<string> words = [];
        int at = 0;
        while (at < text.Length)
        {
            if (text[at] == ' ')
            {
                at++;
                continue;
            }
            char end = text[at] is '"' or '\'' ? text[at++] : ' ';
            int stop = text.IndexOf(end, at);
            stop = stop < 0 ? text.Length : stop;
            words.Add(text[at..stop]);
            at = stop + 1;
        }
        return words;
    }
}

internal enum StepKind
{
    Run,
    Grant,
    Start,
    Await,
    Interrupt,
    Repeat,
}

/// <summary>One line of a script, with the lines of input below it.</summary>
internal sealed record EtcdctlStep(
    string Line, StepKind Kind, string Name, IReadOnlyList<string> Arguments, string Input = "");
